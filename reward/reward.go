// Package reward turns a trace into a number.
package reward

import (
	"context"
	"fmt"
	"math"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

// A Scorer scores whole traces. It is safe for concurrent use, and the score is
// a function of the trace alone.
type Scorer interface {
	// Score returns the reward of a trace, or false if it has none. An error
	// says that the score could not be found out, not that it is bad.
	Score(ctx context.Context, t *traces.Trace) (value float64, ok bool, err error)
}

// New returns the scorer of a spec's reward section.
func New(s spec.Reward) (Scorer, error) {
	if s.Kind != "recorded" {
		return nil, fmt.Errorf("reward.kind: no reward is called %q; allowed is recorded", s.Kind)
	}
	return Recorded{Name: s.Name}, nil
}

// Recorded takes the reward that the agent recorded under a name. When there
// are several, the last counts: an agent that reports progress ends with the
// final score.
type Recorded struct {
	// Name is what the event is called.
	Name string
}

// Score implements Scorer.
func (r Recorded) Score(_ context.Context, t *traces.Trace) (value float64, ok bool, err error) {
	for _, e := range t.Events {
		if b, is := e.Body.(telemetry.Reward); is && e.Name == r.Name {
			value, ok = b.Value, true
		}
	}
	return value, ok, nil
}

// Judge scores a trace and says why its score is no reward: job.NoReward, or
// job.InvalidReward for one that is not finite. A trace without a score gets
// failure, if that is set, and never a zero that nobody gave it.
func Judge(ctx context.Context, s Scorer, failure *float64, t *traces.Trace) (float64, job.Reason, error) {
	value, ok, err := s.Score(ctx, t)
	switch {
	case err != nil:
		return 0, "", fmt.Errorf("score rollout %d/%d: %w", t.Group, t.Rollout, err)
	case !ok && failure == nil:
		return 0, job.NoReward, nil
	case !ok:
		value = *failure
	}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return 0, job.InvalidReward, nil
	}
	return value, "", nil
}
