package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const smallSpec = `
name: small
seed: 7
steps: 1
policy: {kind: linear, features: 2}
agent: {url: "http://127.0.0.1:1/rollouts", timeout: 20s, attempts: 3}
tasks: {data: train.jsonl, groups: 2, rollouts: 2}
traces: {partitions: 1}
optimizer: {kind: sgd, learning_rate: 1}
limits: {shard_rollouts: 2}
`

// hasty is a clock whose pauses pass fifty times faster.
type hasty struct{ clock.System }

func (c hasty) Sleep(ctx context.Context, d time.Duration) error { return c.System.Sleep(ctx, d/50) }

// hosted are the policies of a worker that listens nowhere.
type hosted struct{ *serve.Host }

func (hosted) URL(weights blob.Digest) string {
	return "http://127.0.0.1:1/v1/policies/" + string(weights)
}

// reports are the shards that were reported.
type reports struct {
	mu   sync.Mutex // guards what follows
	said []string
}

func (r *reports) Settled(_ context.Context, t queue.Task, expected int, digest blob.Digest) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, fmt.Sprintf("%s of %d: %s", t.Shard, expected, digest))
	return nil
}

// site is a worker, the job it works for, and the agent that it asks.
type site struct {
	t       *testing.T
	store   *mem.Bucket
	worker  *worker.Worker
	reports *reports
	plan    *job.Plan
	task    queue.Task
}

// open makes a job with a plan, and a worker whose agent is handle. change may
// alter the spec.
func open(t *testing.T, handle http.HandlerFunc, change func(s *spec.Spec)) *site {
	t.Helper()
	s, err := spec.Decode("small.yaml", []byte(smallSpec))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	x := &site{t: t, store: mem.New(), reports: &reports{}}
	def := x.begin(s)
	client := ask(t, handle)
	var nonces atomic.Int64
	x.worker = worker.New(worker.Config{
		Store: x.store, Reports: x.reports, Policies: hosted{serve.NewHost(4)},
		Agents:  func(*job.Definition) (worker.Agent, error) { return client, nil },
		Brokers: []string{"127.0.0.1:1"}, Clock: hasty{}, Logger: slog.New(slog.DiscardHandler), Name: "w",
		Nonce: func() string { return fmt.Sprintf("nonce%d", nonces.Add(1)) },
	})
	x.plan = def.PlanRound(job.Unit{Job: def.ID, Step: 1}, x.policy(), 0)
	adopt(t, x.store, x.plan.Unit.PlanKey(), job.PlanFormat, x.plan)
	x.task = queue.Task{Version: queue.TaskVersion, Drive: 1, Shard: job.Shard{Unit: x.plan.Unit, Phase: job.Rollout}}
	return x
}

// ask serves an agent and returns a client of it.
func ask(t *testing.T, handle http.HandlerFunc) *agent.Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	client, err := agent.NewClient(agent.Config{URL: server.URL + "/rollouts", Grace: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// begin stores what a job is from its submission and its begin.
func (x *site) begin(s *spec.Spec) *job.Definition {
	x.t.Helper()
	const id = job.ID("j")
	data := []byte("{\"n\":0}\n{\"n\":1}\n{\"n\":2}\n")
	def := &job.Definition{Format: job.DefinitionFormat, ID: id, Spec: s, Tasks: job.DataSet{Blob: blob.RefOf(data), Lines: 3}}
	put(x.t, x.store, id.DataKey(def.Tasks.Blob.Digest), data)
	put(x.t, x.store, id.ActiveKey(), nil)
	adopt(x.t, x.store, id.SpecKey(), job.DefinitionFormat, def)
	l, err := learner.New(s)
	if err != nil {
		x.t.Fatal(err)
	}
	m := &checkpoint.Manifest{Numerics: numerics.Version, Shape: l.Shape(), Optimizer: checkpoint.Optimizer{Kind: s.Optimizer.Kind}}
	c, err := checkpoint.Save(x.t.Context(), x.store, id, job.Folder{}, m, l.State(), 1<<20, nil)
	if err != nil {
		x.t.Fatal(err)
	}
	c.Weights = l.WeightsDigest()
	adopt(x.t, x.store, id.LogKey(0), job.EntryFormat, &job.Entry{
		Format: job.EntryFormat, Kind: job.KindBegin,
		Begin: &job.Begin{Numerics: numerics.Version, Topic: "topic", Checkpoint: c},
	})
	return def
}

func (x *site) policy() job.PolicyRef {
	x.t.Helper()
	e, err := checkpoint.ReadEntry(x.t.Context(), x.store, "j", 0)
	if err != nil {
		x.t.Fatal(err)
	}
	c := e.Begin.Checkpoint
	return job.PolicyRef{Manifest: c.Manifest, Weights: c.Weights}
}

// settled handles the task and returns the shard's record.
func (x *site) settled() *job.RolloutRecord {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.t.Context(), 20*time.Second)
	defer cancel()
	if err := x.worker.Handle(ctx, x.task); err != nil {
		x.t.Fatal(err)
	}
	r, digest, err := records.Read[job.RolloutRecord](x.t.Context(), x.store, x.task.Shard.SettledKey(), job.RolloutFormat)
	if err != nil {
		x.t.Fatal(err)
	}
	if want := fmt.Sprintf("%s of 2: %s", x.task.Shard, digest); len(x.reports.said) != 1 || x.reports.said[0] != want {
		x.t.Errorf("reported is %q, want %q", x.reports.said, want)
	}
	return r
}

// open says whether the shard has no record.
func (x *site) open() bool {
	x.t.Helper()
	_, err := x.store.Head(x.t.Context(), x.task.Shard.SettledKey())
	return err != nil
}

func adopt[T any](t *testing.T, b blob.Bucket, key, format string, v *T) {
	t.Helper()
	if _, _, err := records.Adopt(t.Context(), b, key, format, v); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, b blob.Bucket, key string, body []byte) {
	t.Helper()
	if _, err := b.Put(t.Context(), key, body, blob.Always()); err != nil {
		t.Fatal(err)
	}
}
