// Command ablation trains the countdown example with one thing changed at a
// time, several seeds each and always as many rollouts, and prints a Markdown
// table of the held-out success:
//
//	go run ./bench/learning/ablation
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/cohort-rl/cohort/bench/learning/trainer"
)

// options are the flags.
type options struct{ seeds, steps int }

func main() {
	var o options
	flag.IntVar(&o.seeds, "seeds", 5, "trainings per setting, with seeds from 1 on")
	flag.IntVar(&o.steps, "steps", 50, "steps of a training, of 256 rollouts each")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ablation:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, w io.Writer) error {
	if o.seeds < 1 || o.steps < 1 {
		return fmt.Errorf("-seeds %d, -steps %d: both must be positive", o.seeds, o.steps)
	}
	data, err := trainer.Example()
	if err != nil {
		return err
	}
	seeds := make([]uint64, o.seeds)
	for i := range seeds {
		seeds[i] = uint64(i + 1) //nolint:gosec // never negative
	}
	rows, err := rowsOf(o.steps)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Mean and standard deviation over %d seeds of the held-out tasks solved greedily after %d steps.\n\n", o.seeds, o.steps)
	fmt.Fprint(w, "| | setting | linear | mlp |\n|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | `%s` |", r.part, r.setting)
		for _, s := range r.specs {
			curves, err := trainer.Curves(ctx, s, data, seeds, []int{o.steps})
			if err != nil {
				return fmt.Errorf("%s: %w", r.setting, err)
			}
			mean, spread := trainer.Mean(curves, 0)
			fmt.Fprintf(w, " %.3f ± %.3f |", mean, spread)
		}
		fmt.Fprintln(w)
	}
	return nil
}
