package reward

import (
	"context"
	"fmt"
	"math"

	"github.com/cohort-rl/cohort/job"
)

// A Verdict is a score, or the reason why there is none that a rollout can be
// trained on, and what there is to say about it.
type Verdict struct {
	Score
	Reason job.Reason
	Detail string
}

// Judge scores traces and says why a score is no reward: job.NoReward,
// job.RewardFailed for one that could not be made out, or job.InvalidReward for
// one that is not finite. A trace without a score, or whose reward failed, gets
// failure, if that is set, and never a zero that nobody gave it.
func Judge(ctx context.Context, s Scorer, failure *float64, items []Item) ([]Verdict, error) {
	scores, err := s.Score(ctx, items)
	if err != nil {
		return nil, fmt.Errorf("score %d rollouts: %w", len(items), err)
	}
	if len(scores) != len(items) {
		return nil, fmt.Errorf("score %d rollouts: %d scores", len(items), len(scores))
	}
	verdicts := make([]Verdict, len(items))
	for i, score := range scores {
		verdicts[i] = judged(score, failure)
	}
	return verdicts, nil
}

func judged(s Score, failure *float64) Verdict {
	lacking := !s.Given || s.Fault != ""
	switch {
	case lacking && failure != nil:
		s = Score{Given: true, Value: *failure}
	case s.Fault != "":
		return Verdict{Reason: job.RewardFailed, Detail: s.Fault}
	case !s.Given:
		return Verdict{Reason: job.NoReward}
	}
	if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
		return Verdict{Reason: job.InvalidReward, Detail: fmt.Sprintf("it is %v", s.Value)}
	}
	return Verdict{Score: s}
}
