package trainer

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/job/spec"
)

// Curve is the held-out success of one training, by seed: one value for each of
// the steps that were asked for.
type Curve struct {
	Seed    uint64
	Success []float64
}

// Curves trains once with each seed, for as many steps as the last of at, which
// ascend, and evaluates after each of them. Trainings run side by side, one a
// core; the result is in the order of seeds. Of the spec's own seed nothing
// depends, of its number of steps the schedule of the learning rate alone.
func Curves(ctx context.Context, s *spec.Spec, data Data, seeds []uint64, at []int) ([]Curve, error) {
	curves := make([]Curve, len(seeds))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, seed := range seeds {
		g.Go(func() error {
			own := *s
			own.Seed = seed
			success, err := curve(ctx, &own, data, at)
			if err != nil {
				return fmt.Errorf("seed %d: %w", seed, err)
			}
			curves[i] = Curve{Seed: seed, Success: success}
			return nil
		})
	}
	return curves, g.Wait()
}

func curve(ctx context.Context, s *spec.Spec, data Data, at []int) ([]float64, error) {
	t, err := New(s, data)
	if err != nil {
		return nil, err
	}
	success := make([]float64, 0, len(at))
	for _, step := range at {
		for t.step < step {
			if _, err := t.Step(ctx); err != nil {
				return nil, err
			}
		}
		share, err := t.Evaluate(ctx)
		if err != nil {
			return nil, err
		}
		success = append(success, share)
	}
	return success, nil
}

// Mean is the mean over seeds of what Success[i] says, and its standard
// deviation, 0 for one seed.
func Mean(curves []Curve, i int) (mean, spread float64) {
	n := float64(len(curves))
	for _, c := range curves {
		mean += c.Success[i] / n
	}
	if n < 2 {
		return mean, 0
	}
	for _, c := range curves {
		spread += (c.Success[i] - mean) * (c.Success[i] - mean) / (n - 1)
	}
	return mean, math.Sqrt(spread)
}
