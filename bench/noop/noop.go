// Package noop is an agent that does nothing but what every agent must: it
// records a start, a decision, a reward and an end, waits until they are
// acknowledged, and answers. What a step takes beyond it is Cohort's own.
package noop

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/telemetry"
)

// Width is the number of features of a candidate.
const Width = 4

// Config says what the agent does.
type Config struct {
	// Latency is how long it waits before it answers, as for a model.
	Latency time.Duration
	// Uneven is how much longer an attempt of a seed waits; may be nil.
	Uneven func(seed uint64) time.Duration
	// Ask makes it ask the policy over HTTP, as agents do. Otherwise it chooses
	// for itself between equal candidates.
	Ask bool
	// Seen is told when each attempt began and ended; may be nil.
	Seen func(step int, began, ended time.Time)
}

// Agent attempts rollouts. It is safe for concurrent use.
type Agent struct {
	config   Config
	policies *http.Client

	mu        sync.Mutex // guards producers
	producers map[string]*telemetry.Producer
}

// New returns an agent. The caller closes it.
func New(c Config) *Agent {
	return &Agent{config: c, policies: serve.NewHTTPClient(256, nil), producers: map[string]*telemetry.Producer{}}
}

// Handler serves the agent over HTTP.
func (a *Agent) Handler() http.Handler { return agent.Handler(a.attempt) }

// Close ends the agent's connections. Nobody may ask it any more.
func (a *Agent) Close(ctx context.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.producers {
		_, _ = p.Close(ctx) // Every attempt has flushed its own events.
	}
	a.policies.CloseIdleConnections()
}

func (a *Agent) attempt(ctx context.Context, r agent.Request) (agent.Answer, error) {
	if a.config.Seen != nil {
		began := time.Now()
		defer func() { a.config.Seen(r.Step, began, time.Now()) }()
	}
	producer, err := a.producer(r.Traces) //nolint:contextcheck // it outlives the attempt that needs it first
	if err != nil {
		return agent.Answer{}, err
	}
	random := numerics.NewStream(r.Seed, 0)
	decision, err := a.decide(ctx, r, random.Uint64()%2)
	if err != nil {
		return agent.Answer{}, err
	}
	thread := telemetry.NewThread(producer, r.Thread)
	for _, record := range []func() error{
		func() error { return thread.Start(ctx, "nothing") },
		func() error { return thread.Decide(ctx, "choose", decision) },
		func() error { return thread.Reward(ctx, float64(random.Uint64()%2)) },
	} {
		if err := record(); err != nil {
			return agent.Answer{}, fmt.Errorf("%w: %w", agent.ErrUnavailable, err)
		}
	}
	latency := a.config.Latency
	if a.config.Uneven != nil {
		latency += a.config.Uneven(r.Seed)
	}
	if err := wait(ctx, latency); err != nil {
		return agent.Answer{}, err
	}
	summary, err := thread.End(ctx)
	if err != nil {
		return agent.Answer{}, fmt.Errorf("%w: %w", agent.ErrUnavailable, err)
	}
	answer := agent.Answer{Events: summary.Events}
	for _, at := range summary.Acknowledged {
		answer.Acknowledged = append(answer.Acknowledged, agent.Position(at))
	}
	return answer, nil
}
