package api_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
)

const sums = `name: sums
steps: 3
policy: {kind: linear, features: 4}
agent: {url: "http://127.0.0.1:7000/rollouts"}
tasks: {data: train.jsonl, groups: 2}
optimizer: {learning_rate: 0.5}
`

// tick is a clock that is a second later each time it is asked.
type tick struct {
	clock.System
	seconds atomic.Int64
}

func (c *tick) Now() time.Time { return time.Unix(1_800_000_000+c.seconds.Add(1), 0).UTC() }

// rig is a server on loopback, its store and a client of it.
type rig struct {
	store  blob.Bucket
	server *api.Server
	client *api.Client
	url    string
	wakes  atomic.Int32
	t      *testing.T // of the bubble that the server runs in, if it does
	stop   func()     // ends the server; it is called at the test's end in any case
}

// config is what a server over the store needs; ids count from sums-1.
func config(r *rig) api.Config {
	var ids, nonces atomic.Int32
	return api.Config{
		Store: r.store, Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler), Version: "v1.2.3",
		Topics: new(topics), TopicPrefix: "cohort.test.",
		Wake:  func() { r.wakes.Add(1) },
		Nonce: func() string { return fmt.Sprint("nonce-", nonces.Add(1)) },
		NewID: func(name string) job.ID { return job.ID(fmt.Sprintf("%s-%d", name, ids.Add(1))) },
	}
}

func start(tb testing.TB, store blob.Bucket, change ...func(*api.Config)) *rig {
	tb.Helper()
	r := &rig{store: store}
	c := config(r)
	for _, f := range change {
		f(&c)
	}
	r.server = api.NewServer(c)
	r.listen(tb, "127.0.0.1:0")
	var err error
	if r.client, err = api.NewClient(r.url, api.Access{Token: c.Token}); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(r.client.Close)
	return r
}

// listen serves at an address until stop is called.
func (r *rig) listen(tb testing.TB, address string) {
	tb.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	served := make(chan error, 1)
	go func() { served <- r.server.Serve(ctx, l) }()
	stopped := false
	r.url = "http://" + l.Addr().String()
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-served; err != nil {
			tb.Errorf("serve: %v", err)
		}
	}
	tb.Cleanup(func() { r.stop() })
}

// submissionOf asks for a job under a key.
func submissionOf(key string) api.Submission {
	return api.Submission{
		Key: key, File: "jobs/sums.yaml", Spec: []byte(sums),
		Data: map[string][]byte{spec.RoleTasks: []byte("{\"n\":1}\n{\"n\":2}\n")},
	}
}

// submit makes a job and returns it.
func (r *rig) submit(tb testing.TB, key string) api.Job {
	tb.Helper()
	j, _, err := r.client.Submit(tb.Context(), submissionOf(key))
	if err != nil {
		tb.Fatal(err)
	}
	return j
}
