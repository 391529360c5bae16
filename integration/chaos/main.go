// Command chaos runs jobs on real Redis, Kafka and MinIO while processes are
// killed, stopped and restarted and connections cut and slowed, and then holds
// the checkpoint of each job against that of a run which nothing disturbed.
//
//	make chaos KILLS=200 SEED=1
//
// With -soak nothing is disturbed, and it looks for what grows as jobs come and go.
//
// It starts and stops services of its own, on loopback, behind proxies. It exits
// with 1 if a job came out differently, if processes were killed less often in an
// effect than -each says, or if something grew.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are what can be set.
type options struct {
	kills        int
	each         int
	soak         time.Duration
	seed         uint64
	coordinators int
	workers      int
	jobs         int
	bin          string
	services     string
	dir          string
}

func main() {
	var o options
	flag.IntVar(&o.kills, "kills", 20, "how many processes are killed before it ends; other faults come on top")
	flag.IntVar(&o.each, "each", 0, "how often processes are killed in each effect of the undisturbed runs; it kills on for that, up to three times -kills")
	flag.DurationVar(&o.soak, "soak", 0, "instead of faults, for how `long` jobs run in peace while nothing may grow")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of which faults come in which order")
	flag.IntVar(&o.coordinators, "coordinators", 2, "how many coordinators run")
	flag.IntVar(&o.workers, "workers", 3, "how many workers run")
	flag.IntVar(&o.jobs, "jobs", 2, "how many jobs run at once")
	flag.StringVar(&o.bin, "bin", "bin", "`folder` of cohort, coordinator and worker")
	flag.StringVar(&o.services, "services", "deploy/services", "`folder` of the scripts that start and stop services")
	flag.StringVar(&o.dir, "dir", ".cache/chaos", "`folder` for data and logs; it is emptied first")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.valid(); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(2)
	}
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func (o options) valid() error {
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("there is no argument %q; see -help", flag.Arg(0))
	case o.kills < 1:
		return fmt.Errorf("-kills %d: use a number above 0", o.kills)
	case o.soak != 0 && o.soak < time.Minute:
		return fmt.Errorf("-soak %s: use at least 1m", o.soak)
	case o.each < 0:
		return fmt.Errorf("-each %d: use a number, or 0", o.each)
	case o.coordinators < 1 || o.workers < 1 || o.jobs < 1:
		return errors.New("-coordinators, -workers and -jobs: use numbers above 0")
	}
	return nil
}
