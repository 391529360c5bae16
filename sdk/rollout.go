package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/telemetry"
)

// ErrTask says that a rollout's task is not what the agent expects.
var ErrTask = errors.New("task is not valid")

// A Play attempts one rollout. ctx ends at the attempt's deadline and carries
// its thread ([telemetry.FromContext]) and W3C trace context. An error is the
// agent's failure, recorded as such, unless the policy or the broker was lost;
// a task that was not solved is no error but a reward of 0.
type Play func(ctx context.Context, r *Rollout) error

// A Rollout is one attempt at a task. Its methods may be called concurrently.
type Rollout struct {
	// Request is what the worker asks for.
	Request agent.Request

	policies policies

	mu      sync.Mutex // guards what follows
	number  uint32     // decisions so far
	rewards []float64
}

// Task decodes the task into a pointer. Its errors are ErrTask.
func (r *Rollout) Task(into any) error {
	if err := json.Unmarshal(r.Request.Task, into); err != nil {
		return fmt.Errorf("%w: %w", ErrTask, err)
	}
	return nil
}

// Choose lets the policy choose among candidates, which features has one after
// another as rows of so many numbers, and records the decision under a name. It
// returns the row, counted from 0. features are the thread's from then on.
//
// Decisions are counted in the order of the calls, and the count says where a
// decision's random number comes from: an agent that decides concurrently gives
// up that its result can be reproduced.
func (r *Rollout) Choose(ctx context.Context, name string, width int, features []float32) (chosen int, err error) {
	thread := telemetry.FromContext(ctx)
	if thread == nil {
		return 0, fmt.Errorf("choose %s: %w", name, telemetry.ErrNoThread)
	}
	if width < 1 || len(features) == 0 || len(features)%width != 0 {
		return 0, fmt.Errorf("%w: choose %s: %d features are no rows of %d", telemetry.ErrInvalidEvent, name, len(features), width)
	}
	r.mu.Lock()
	number := r.number
	r.number++
	r.mu.Unlock()
	client := serve.Client{URL: r.Request.Policy.URL, Token: secret.Text(r.Request.Policy.Token), HTTP: r.policies.http}
	choices, err := client.Decide(ctx, serve.Request{Seed: r.Request.Seed, Greedy: r.Request.Greedy, Decisions: []serve.Decision{
		{Number: number, Features: serve.Rows{Width: width, Values: features}},
	}})
	if err != nil {
		return 0, fmt.Errorf("choose %s: %w", name, err)
	}
	return choices[0].Chosen, thread.Decide(ctx, name, telemetry.Decision{
		Number: number, Policy: r.Request.Policy.Digest, Width: uint32(width), Features: features,
		Chosen: uint32(choices[0].Chosen), LogProb: choices[0].LogProb,
	})
}

// Reward records a reward under the name "reward".
func (r *Rollout) Reward(ctx context.Context, value float64) error {
	if err := telemetry.FromContext(ctx).Reward(ctx, value); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rewards = append(r.rewards, value)
	return nil
}

// Rewards are those that Reward recorded, in their order.
func (r *Rollout) Rewards() []float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]float64(nil), r.rewards...)
}
