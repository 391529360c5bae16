// Command system measures Cohort as a system: rollouts in a second with 1, 2
// and 4 workers, what a step takes beyond its agent, each request to the store,
// and the processors' time by process.
//
//	make build && go run ./bench/system
//
// Every case is held against a baseline of the same run: one worker, or a loop
// that asks the agent and does nothing else. It runs on Redis, Kafka and a
// store of its own, and then on those that COHORT_REDIS, COHORT_KAFKA and
// COHORT_STORE name, if they do. It stops by itself and leaves nothing running.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options are what can be set.
type options struct {
	seconds  time.Duration
	workers  numbers
	rollouts numbers
	cases    string
	services string
	bin      string
	latency  time.Duration
	ask      bool
	shard    int
	cpu      string

	serve string // what this process serves, when it is a child of another
	dir   string
}

// numbers is a flag of numbers with commas between them.
type numbers []int

func (n *numbers) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*n), " ", ","), "[]")
}

// Set implements flag.Value.
func (n *numbers) Set(text string) error {
	*n = nil
	for part := range strings.SplitSeq(text, ",") {
		i, err := strconv.Atoi(part)
		if err != nil || i < 1 {
			return fmt.Errorf("%q is no number above 0", part)
		}
		*n = append(*n, i)
	}
	return nil
}

func main() {
	o := options{workers: numbers{1, 2, 4}, rollouts: numbers{64, 1024}}
	flag.DurationVar(&o.seconds, "seconds", 4*time.Second, "how long each case is measured, at least a step")
	flag.Var(&o.workers, "workers", "numbers of workers; the first is the baseline")
	flag.Var(&o.rollouts, "rollouts", "rollouts of a step, multiples of 8")
	flag.StringVar(&o.cases, "cases", "noop,latency,overhead", "which `cases` to run")
	flag.StringVar(&o.services, "services", "embedded,real", "which `services` to run on; real ones only where the environment names them")
	flag.StringVar(&o.bin, "bin", "bin", "`folder` of coordinator and worker")
	flag.DurationVar(&o.latency, "latency", 100*time.Millisecond, "how long the agent of the latency case waits before it answers")
	flag.IntVar(&o.shard, "shard", 8, "rollouts of a shard in the latency case: 1, 2, 4, 8 or 16; a worker has 16 in flight with any")
	flag.BoolVar(&o.ask, "ask", false, "the agent asks the policy for its decision, over HTTP")
	flag.StringVar(&o.cpu, "cpuprofile", "", "`file` for a profile of the processors' time in the overhead cases, where everything but the services is in this process")
	flag.StringVar(&o.serve, "serve", "", "for children of this program")
	flag.StringVar(&o.dir, "dir", "", "for children of this program")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) error {
	for _, n := range o.rollouts {
		if n%8 != 0 {
			return fmt.Errorf("-rollouts %d: use multiples of 8, the rollouts of a group", n)
		}
	}
	if o.shard < 1 || waiting%o.shard != 0 {
		return fmt.Errorf("-shard %d: use 1, 2, 4, 8 or 16", o.shard)
	}
	if o.serve != "" {
		return o.child(ctx)
	}
	return o.bench(ctx)
}
