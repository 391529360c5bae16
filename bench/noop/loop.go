package noop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/serve"
)

// Loop asks the agent at url for rollouts of the topic, so many at once, for d,
// and does nothing else. It returns how many it got in a second: what a step
// could reach if Cohort cost nothing. It serves the policy that the agent may
// ask, as a worker does.
func Loop(ctx context.Context, url string, traces agent.TracesAddress, concurrency int, d time.Duration) (perSecond float64, err error) {
	client, err := agent.NewClient(agent.Config{URL: url, Concurrency: concurrency})
	if err != nil {
		return 0, err
	}
	defer client.Close()
	p, err := policy.New(policy.Shape{Kind: policy.Linear, Features: Width}, 0)
	if err != nil {
		return 0, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	host := serve.NewHost(1)
	digest := host.Put(p)
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- host.Serve(serving, listener) }()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()
	l := loop{client: client, request: agent.Request{
		Format: agent.Format, Job: "bare", Step: 1, Task: json.RawMessage("{}"), DeadlineMS: time.Minute.Milliseconds(), Traces: traces,
		Policy: agent.PolicyAddress{URL: serve.Site{Host: host, Base: "http://" + listener.Addr().String()}.URL(digest), Digest: string(digest)},
	}}
	if err := l.ask(ctx); err != nil { // connects
		return 0, err
	}
	return l.run(ctx, concurrency, d)
}

// loop asks for rollouts.
type loop struct {
	client  *agent.Client
	request agent.Request
	asked   atomic.Int64
}

func (l *loop) ask(ctx context.Context) error {
	r := l.request
	n := l.asked.Add(1)
	r.Thread, r.Seed = fmt.Sprintf("bare/1/0/%d/n", n), uint64(n) //nolint:gosec // it counts from 1
	if _, err := l.client.Attempt(ctx, r); err != nil {
		return fmt.Errorf("bare loop: %w", err)
	}
	return nil
}

// run asks for d, so many at once, and returns how many were answered in a
// second.
func (l *loop) run(ctx context.Context, concurrency int, d time.Duration) (float64, error) {
	var answered atomic.Int64
	g, gctx := errgroup.WithContext(ctx)
	began := time.Now()
	for range concurrency {
		g.Go(func() error {
			for time.Since(began) < d {
				if err := l.ask(gctx); err != nil {
					return err
				}
				answered.Add(1)
			}
			return nil
		})
	}
	err := g.Wait()
	return float64(answered.Load()) / time.Since(began).Seconds(), err
}
