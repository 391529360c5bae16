// Package reward turns traces into numbers. A reward that is not given is no
// zero, and one that fails says why: what becomes of the rollout then is its
// fate, or the spec's failure score.
package reward

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/traces"
)

// An Item is what is scored: a whole trace, and the task that it is of, a JSON
// object.
type Item struct {
	Trace *traces.Trace
	Task  json.RawMessage
}

// A Scorer scores whole traces. It is safe for concurrent use. A score is a
// function of its item alone, or of an answer that is kept under the digest of
// what was asked.
type Scorer interface {
	// Score returns one score an item, in their order. An error says that scores
	// could not be found out, not that they are bad.
	Score(ctx context.Context, items []Item) ([]Score, error)
}

// A Score is what a trace is worth.
type Score struct {
	// Given says that there is a reward: without it Value means nothing.
	Given bool
	// Value is the reward; of several, the weighted sum of those that were given.
	Value float64
	// Parts are the rewards that Value is the sum of, unweighted, in the order of
	// the spec, NaN for one that was not given. It is nil where there is one.
	Parts []float64
	// Fault is why the reward failed, and empty if it did not.
	Fault string
}

// New returns the scorer of a spec's reward section.
func New(s spec.Reward, services Services) (Scorer, error) {
	if len(s.Components) == 0 {
		scorer, err := newPart(s.Sole(), services)
		if err != nil {
			return nil, fmt.Errorf("reward.%w", err)
		}
		return scorer, nil
	}
	sum := make(weighted, len(s.Components))
	for i, c := range s.Components {
		var err error
		if sum[i], err = newPart(c, services); err != nil {
			return nil, fmt.Errorf("reward.components: %s: %w", c.Name, err)
		}
	}
	return sum, nil
}

// Recorded says whether all rewards of the spec are recorded ones, for which
// nothing is looked at but the traces.
func Recorded(s spec.Reward) bool {
	if len(s.Components) == 0 {
		return s.Kind == "" || s.Kind == "recorded"
	}
	return !slices.ContainsFunc(s.Components, func(c spec.Component) bool { return c.Kind != "" && c.Kind != "recorded" })
}

// newPart returns the scorer of one reward, with its bounds and its weight.
func newPart(c spec.Component, services Services) (part, error) {
	p := part{weight: c.Weight, low: c.ClipLow, high: c.ClipHigh, failure: c.FailureScore}
	var err error
	switch c.Kind {
	case "", "recorded":
		p.scorer = recorded{c.Name}
	case "cel":
		p.scorer, err = newExpression(c.CEL)
	case "exact":
		p.scorer, err = newExact(c.Exact)
	case "numeric":
		p.scorer, err = newNumeric(c.Numeric)
	case "json_schema":
		p.scorer, err = newSchema(c.JSONSchema)
	case "http":
		p.scorer, err = newRemote(c.HTTP, services)
	default:
		err = fmt.Errorf("kind: no reward is called %q", c.Kind)
	}
	return p, err
}
