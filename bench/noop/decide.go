package noop

import (
	"context"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/telemetry"
)

// half is ln(1/2), the log-probability of either of two equal candidates.
const half = -0.6931472

// decide chooses between two candidates: first is the one that the agent takes
// when it asks nobody.
func (a *Agent) decide(ctx context.Context, r agent.Request, first uint64) (telemetry.Decision, error) {
	d := telemetry.Decision{
		Policy: r.Policy.Digest, Width: Width, Features: []float32{1, 0, 0, 0, 0, 1, 0, 0},
		Chosen: uint32(first), LogProb: half, //nolint:gosec // 0 or 1
	}
	if !a.config.Ask {
		return d, nil
	}
	client := serve.Client{URL: r.Policy.URL, HTTP: a.policies}
	choices, err := client.Decide(ctx, serve.Request{Seed: r.Seed, Decisions: []serve.Decision{
		{Features: serve.Rows{Width: Width, Values: d.Features}},
	}})
	if err != nil {
		return telemetry.Decision{}, err
	}
	d.Chosen, d.LogProb = uint32(choices[0].Chosen), choices[0].LogProb //nolint:gosec // checked by the client
	return d, nil
}

// producer returns the producer of a topic, which all attempts share.
func (a *Agent) producer(to agent.TracesAddress) (*telemetry.Producer, error) {
	key := strings.Join(append([]string{to.Topic}, to.Brokers...), "\n")
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.producers[key]; p != nil {
		return p, nil
	}
	p, err := telemetry.NewProducer(telemetry.Config{Brokers: to.Brokers, Topic: to.Topic})
	if err == nil {
		a.producers[key] = p
	}
	return p, err
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
