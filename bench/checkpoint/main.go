// Command checkpoint measures how checkpoints are saved and loaded against what
// does the same without them: minio-go's own transfers with the same parts, the
// same number at once and the same SHA-256, and cp with sha256sum on a disk. It
// prints ratios of the same run (more than 1: Cohort is faster), the peak memory
// of the process, which collects garbage as Cohort's programs do, what the next checkpoint uploads when one tensor of ten has
// changed, and what a resume costs after many commits.
//
//	go run ./bench/checkpoint
//
// It works in a folder of its own, and then in the store that COHORT_STORE
// names, if that is an s3 store (make bench-checkpoint starts one). Each measure
// is a process of its own. It leaves nothing behind.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/cohort-rl/cohort/garbage"
)

// options are what can be set.
type options struct {
	size    int64 // MiB
	rounds  int
	commits int

	do     string // what this process does, when it is a child of another
	store  string
	source string
}

func main() {
	var o options
	flag.Int64Var(&o.size, "size", 512, "`MiB` of the checkpoint")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each measure is taken, ours and the baseline in turns; the median counts")
	flag.IntVar(&o.commits, "commits", 10_000, "commits of the job that is resumed")
	flag.StringVar(&o.do, "do", "", "for children of this program")
	flag.StringVar(&o.store, "store", "", "for children of this program")
	flag.StringVar(&o.source, "source", "", "for children of this program")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (o options) run(ctx context.Context) error {
	garbage.CollectRarely(ctx, os.Getenv("GOGC"), os.Getenv("GOMEMLIMIT")) // as every program of Cohort does
	if o.do != "" {
		return o.child(ctx)
	}
	dir, err := os.MkdirTemp("", "cohort-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := &bench{options: o, dir: dir, source: dir + "/source"}
	if err := writeSource(b.source, o.size<<20); err != nil {
		return err
	}
	if err := b.measure(ctx, "fs", "file://"+dir+"/store"); err != nil {
		return err
	}
	store := os.Getenv("COHORT_STORE")
	if store == "" {
		fmt.Println("s3: COHORT_STORE names no store: skipped")
		return nil
	}
	return b.measure(ctx, "s3", store)
}
