package countdown

import (
	"context"
	"strconv"
	"strings"

	"github.com/cohort-rl/cohort/sdk"
)

// attempt plays one rollout: the policy makes each move, and the reward is 1
// for the target.
func attempt(ctx context.Context, r *sdk.Rollout) error {
	var task Task
	if err := r.Task(&task); err != nil {
		return err
	}
	solved, err := Play(ctx, task, func(ctx context.Context, _ uint32, features []float32) (int, error) {
		return r.Choose(ctx, "move", Width, features)
	})
	if err != nil {
		return err
	}
	return r.Reward(ctx, float64(one(solved)))
}

// name is what a rollout's task is called in its thread.
func name(r *sdk.Rollout) (string, error) {
	var task Task
	if err := r.Task(&task); err != nil {
		return "", err
	}
	return task.String(), task.Check()
}

// String names the task: "5 3 20 4 = 87".
func (t Task) String() string {
	words := make([]string, 0, len(t.Numbers)+2)
	for _, n := range t.Numbers {
		words = append(words, strconv.Itoa(n))
	}
	return strings.Join(append(words, "=", strconv.Itoa(t.Target)), " ")
}
