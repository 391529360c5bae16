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
	Score(ctx context.Context, t *traces.Trace) (score Score, ok bool, err error)
}

// A Score is what a trace is worth.
type Score struct {
	// Value is the reward; of several, the weighted sum of those that were given.
	Value float64
	// Parts are the rewards that Value is the sum of, unweighted, in the order of
	// the spec, NaN for one that was not given. It is nil where there is one.
	Parts []float64
}

// New returns the scorer of a spec's reward section.
func New(s spec.Reward) (Scorer, error) {
	if s.Kind != "recorded" {
		return nil, fmt.Errorf("reward.kind: no reward is called %q; allowed is recorded", s.Kind)
	}
	if len(s.Components) > 0 {
		return Weighted{Components: s.Components}, nil
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
func (r Recorded) Score(_ context.Context, t *traces.Trace) (score Score, ok bool, err error) {
	score.Value, ok = recorded(t, r.Name)
	return score, ok, nil
}

// recorded is the last reward of a name.
func recorded(t *traces.Trace, name string) (value float64, ok bool) {
	for _, e := range t.Events {
		if b, is := e.Body.(telemetry.Reward); is && e.Name == name {
			value, ok = b.Value, true
		}
	}
	return value, ok
}

// Weighted takes several rewards that the agent recorded, each as Recorded does.
// One that was not given is no zero: the sum is that of the others. A trace
// without any has no reward.
type Weighted struct {
	Components []spec.Component
}

// Score implements Scorer.
func (w Weighted) Score(_ context.Context, t *traces.Trace) (score Score, ok bool, err error) {
	score.Parts = make([]float64, len(w.Components))
	for i, c := range w.Components {
		value, given := recorded(t, c.Name)
		if !given {
			score.Parts[i] = math.NaN()
			continue
		}
		score.Parts[i], ok = value, true
		score.Value += float64(c.Weight * value)
	}
	return score, ok, nil
}

// Judge scores a trace and says why its score is no reward: job.NoReward, or
// job.InvalidReward for one that is not finite. A trace without a score gets
// failure, if that is set, and never a zero that nobody gave it.
func Judge(ctx context.Context, s Scorer, failure *float64, t *traces.Trace) (Score, job.Reason, error) {
	score, ok, err := s.Score(ctx, t)
	switch {
	case err != nil:
		return Score{}, "", fmt.Errorf("score rollout %d/%d: %w", t.Group, t.Rollout, err)
	case !ok && failure == nil:
		return Score{}, job.NoReward, nil
	case !ok:
		score = Score{Value: *failure}
	}
	if math.IsNaN(score.Value) || math.IsInf(score.Value, 0) {
		return Score{}, job.InvalidReward, nil
	}
	return score, "", nil
}
