package daemon_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/cmd/internal/daemon"
	"github.com/cohort-rl/cohort/embedded"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/records"
)

func TestRoad(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Second)
	defer cancel()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	redis, err := embedded.StartRedis(ctx, embedded.RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer redis.Close()
	kafka, err := embedded.StartKafka(ctx, embedded.KafkaConfig{Dir: dir + "/kafka"})
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	addr := make(chan net.Addr, 1)
	go countdown.Serve(ctx, countdown.Config{Listen: "127.0.0.1:0", Ready: func(a net.Addr) { addr <- a }})
	s, err := spec.Decode("job.yaml", countdown.Job())
	if err != nil {
		t.Fatal(err)
	}
	a := <-addr
	s.Agent.URL = "http://" + a.String() + "/rollouts"
	s.Agent.Health = "http://" + a.String() + "/healthz"
	b, err := open.Open(ctx, "file://"+dir+"/store", open.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	services := daemon.Services{Redis: redis.Addr(), Kafka: []string{kafka.Addr()}, Store: "file://" + dir + "/store", Wait: 10 * time.Second}
	go func() {
		if err := daemon.RunCoordinator(ctx, daemon.CoordinatorConfig{Services: services, Lease: 3 * time.Second, Rescan: time.Second, Poll: 500 * time.Millisecond}, logger); err != nil {
			t.Error(err)
		}
	}()
	for range 2 {
		go daemon.RunWorker(ctx, daemon.WorkerConfig{Services: services, Shards: 8, Listen: "127.0.0.1:0", Grace: time.Second}, logger)
	}
	def := job.Definition{Format: job.DefinitionFormat, ID: "countdown-1", At: time.Now(), Spec: s}
	for _, x := range []struct {
		to   *job.DataSet
		body []byte
		n    int
	}{{&def.Tasks, countdown.Train(), 8192}, {&def.Eval, countdown.HeldOut(), 500}} {
		x.to.Blob = blob.RefOf(x.body)
		x.to.Lines = x.n
		if _, err := blob.PutContent(ctx, b, def.ID.DataKey(x.to.Blob.Digest), x.body); err != nil {
			t.Fatal(err)
		}
	}
	def.Training, _ = s.TrainingDigest(def.Tasks.Blob.Digest)
	records.Overwrite(ctx, b, def.ID.SpecKey(), def)
	records.Overwrite(ctx, b, def.ID.ActiveKey(), struct {
		Format string `json:"format"`
	}{"x"})
	start := time.Now()
	for {
		h, _, err := records.Read[job.Head](ctx, b, def.ID.HeadKey(), job.HeadFormat)
		if err == nil && h.End != nil {
			t.Logf("%v %+v %+v", time.Since(start), h, h.End)
			break
		}
		select {
		case <-ctx.Done():
			t.Fatal(h, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
