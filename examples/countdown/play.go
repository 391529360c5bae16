package countdown

import (
	"context"
	"fmt"
)

// Choose picks one of the candidates that are given as rows of Width features,
// for decision number of the game, and returns its row. It may keep features.
type Choose func(ctx context.Context, number uint32, features []float32) (chosen int, err error)

// Play plays a task to its end and says whether the target was hit. It stops
// at the first error of choose, or when ctx ends.
func Play(ctx context.Context, task Task, choose Choose) (solved bool, err error) {
	if err := task.Check(); err != nil {
		return false, err
	}
	g := task.Start()
	for number := uint32(0); !g.Over(); number++ {
		if err := ctx.Err(); err != nil {
			return false, fmt.Errorf("play move %d: %w", number, context.Cause(ctx))
		}
		actions := g.Actions()
		chosen, err := choose(ctx, number, Features(g, actions))
		if err != nil {
			return false, fmt.Errorf("play move %d: %w", number, err)
		}
		if chosen < 0 || chosen >= len(actions) {
			return false, fmt.Errorf("play move %d: policy chose candidate %d of %d", number, chosen, len(actions))
		}
		g = g.Play(actions[chosen])
	}
	return g.Solved, nil
}
