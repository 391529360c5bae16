package reward

import (
	"context"

	"github.com/cohort-rl/cohort/telemetry"
)

// recorded takes the reward that the agent recorded under a name. When there
// are several, the last counts: an agent that reports progress ends with the
// final score.
type recorded struct{ name string }

func (r recorded) Score(_ context.Context, items []Item) ([]Score, error) {
	scores := make([]Score, len(items))
	for i, item := range items {
		for _, e := range item.Trace.Events {
			if b, is := e.Body.(telemetry.Reward); is && e.Name == r.name {
				scores[i] = Score{Given: true, Value: b.Value}
			}
		}
	}
	return scores, nil
}
