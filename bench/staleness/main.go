// Command staleness measures what it gains that the rollouts of later steps run
// while a step waits for its slowest one:
//
//	go run ./bench/staleness -steps 30 -runs 3
//
// A coordinator, a worker, Redis, Kafka, the store and an agent that does nothing
// run in this process. How long the agent takes is drawn from the rollout's seed,
// with a heavy tail (Pareto), so that it is the same for every staleness. Each run
// trains a job with staleness 0, 1 and 2, one after the other; printed are steps
// in a second, from the first commit to the last, and the ratio to staleness 0 of
// the same run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cohort-rl/cohort/numerics"
)

// options are the flags.
type options struct {
	steps, runs, rollouts int
	least, most           time.Duration
	shape                 float64
}

func main() {
	var o options
	flag.IntVar(&o.steps, "steps", 30, "steps of a job")
	flag.IntVar(&o.runs, "runs", 3, "how often all are measured")
	flag.IntVar(&o.rollouts, "rollouts", 64, "rollouts of a step, a multiple of 8")
	flag.DurationVar(&o.least, "least", 20*time.Millisecond, "what every rollout takes")
	flag.DurationVar(&o.most, "most", 2*time.Second, "what no rollout takes longer than")
	flag.Float64Var(&o.shape, "shape", 1.2, "shape of the tail: the smaller, the heavier")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.bench(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "staleness:", err)
		os.Exit(1)
	}
}

// staleness are the values that are measured, the first of which the others are
// held against.
func staleness() []int { return []int{0, 1, 2} }

func (o options) bench(ctx context.Context) error {
	if o.steps < 4 || o.runs < 1 || o.rollouts < 8 || o.rollouts%8 != 0 || o.least <= 0 || o.most < o.least || o.shape <= 0 {
		return errors.New("wanted are -steps of at least 4, -runs of at least 1, -rollouts that are a multiple of 8, -least above 0 and not above -most, -shape above 0")
	}
	load, _ := os.ReadFile("/proc/loadavg") // Elsewhere it is not known.
	fmt.Printf("%d processors, load %s\n", runtime.NumCPU(), strings.TrimSpace(string(load)))
	fmt.Printf("%d steps of %d rollouts, which take %s or more, at most %s: %s\n", o.steps, o.rollouts, o.least, o.most, o.describe())
	fmt.Printf("%4s  %9s  %7s  %6s\n", "run", "staleness", "steps/s", "ratio")
	ratios := make([][]float64, len(staleness()))
	for run := range o.runs {
		base := 0.0
		for i, k := range staleness() {
			perSecond, err := o.measure(ctx, k)
			if err != nil {
				return fmt.Errorf("staleness %d: %w", k, err)
			}
			if i == 0 {
				base = perSecond
			}
			ratios[i] = append(ratios[i], perSecond/base)
			fmt.Printf("%4d  %9d  %7.2f  %6.2f\n", run+1, k, perSecond, perSecond/base)
		}
	}
	for i, k := range staleness() {
		slices.Sort(ratios[i])
		fmt.Printf("staleness %d: median ratio %.2f (%.2f to %.2f)\n", k, ratios[i][len(ratios[i])/2], ratios[i][0], ratios[i][len(ratios[i])-1])
	}
	return nil
}

// takes is how long the rollout of a seed takes.
func (o options) takes(seed uint64) time.Duration {
	u := 1 - numerics.NewStream(seed, 7).Float64()                                       // above 0
	return time.Duration(min(float64(o.most), float64(o.least)*math.Pow(u, -1/o.shape))) //nolint:forbidigo // no weight depends on it
}

// describe says how the times of many rollouts lie.
func (o options) describe() string {
	const n = 10_000
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = o.takes(uint64(i))
	}
	slices.Sort(all)
	return fmt.Sprintf("median %s, 99 of 100 within %s", all[n/2].Round(time.Millisecond), all[n*99/100].Round(time.Millisecond))
}
