// Command learning trains the countdown example in this process, with several
// seeds, and holds its held-out success against the reference curves:
//
//	go run ./bench/learning -seeds 10 -steps 200
//
// It prints a table and draws the curves as SVG. With -spec it trains other
// specs. It fails if a mean is more than 0.015 below the reference.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/cohort-rl/cohort/bench/learning/trainer"
	"github.com/cohort-rl/cohort/examples/countdown"
)

// options are the flags.
type options struct {
	seeds, first, steps, every, validation int
	staleness                              int
	reference, svg                         string
	specs                                  []string
}

func main() {
	var o options
	flag.IntVar(&o.seeds, "seeds", 10, "trainings per spec, each with a seed of its own")
	flag.IntVar(&o.first, "first", 1, "first seed")
	flag.IntVar(&o.steps, "steps", 200, "steps of a training")
	flag.IntVar(&o.every, "every", 10, "steps between evaluations")
	flag.IntVar(&o.validation, "validation", 0, "evaluate on so many tasks that are neither trained on nor held out: `n`, for choosing settings")
	flag.IntVar(&o.staleness, "staleness", 0, "checkpoints by which a step's policy is older than the newest, weighed by ratios to the recorded log-probabilities")
	flag.StringVar(&o.reference, "reference", "examples/countdown/testdata/reference.json", "`file` with the reference curves")
	flag.StringVar(&o.svg, "svg", "out/learning.svg", "`file` for the curves; empty draws none")
	flag.Func("spec", "job spec to train in place of the reference's; may be repeated: `file`", func(file string) error {
		o.specs = append(o.specs, file)
		return nil
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "learning:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.seeds < 1 || o.first < 0 || o.steps < 1 || o.every < 1 || o.validation < 0 {
		return fmt.Errorf("-seeds %d, -first %d, -steps %d, -every %d, -validation %d: at least 1, 0, 1, 1 and 0 are wanted",
			o.seeds, o.first, o.steps, o.every, o.validation)
	}
	reference, err := readReference(o.reference)
	if err != nil {
		return err
	}
	subjects, err := o.subjects()
	if err != nil {
		return err
	}
	data, err := trainer.Example()
	if err != nil {
		return err
	}
	if o.validation > 0 {
		known := slices.Concat(data.Train, data.HeldOut)
		data.HeldOut = countdown.DrawTraining(countdown.TrainSeed+1, o.validation, known)
	}
	at := o.at()
	var results []result
	for _, s := range subjects {
		curves, err := trainer.Curves(ctx, s.spec, data, o.seedList(), at)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		results = append(results, result{subject: s, at: at, curves: curves, reference: reference.mean(s.spec.Policy.Kind)})
	}
	behind := printTable(os.Stdout, results)
	if o.svg != "" {
		if err := os.MkdirAll(filepath.Dir(o.svg), 0o755); err != nil {
			return err
		}
		if err := draw(o.svg, results); err != nil {
			return err
		}
	}
	if len(behind) > 0 && o.validation == 0 {
		return fmt.Errorf("more than %v below the reference: %v", tolerance, behind)
	}
	return nil
}

// at are the steps after which a training is evaluated: every so many, and the last.
func (o options) at() []int {
	at := []int{0}
	for step := o.every; step < o.steps; step += o.every {
		at = append(at, step)
	}
	return append(at, o.steps)
}

func (o options) seedList() []uint64 {
	seeds := make([]uint64, o.seeds)
	for i := range seeds {
		seeds[i] = uint64(o.first + i) //nolint:gosec // neither is negative
	}
	return seeds
}
