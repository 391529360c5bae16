package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// sampleEvery is how often it is looked how large everything is.
const sampleEvery = 2 * time.Second

// series is how large something was, sample by sample, after the warm-up.
type series struct {
	name   string
	values []float64
	unit   float64 // in which it is printed
	// share and floor are by how much it may have grown in the whole time: a share
	// of its median, and at least floor.
	share, floor float64
}

// soak is jobs that nothing disturbs, and what must not grow meanwhile.
type soak struct {
	cast    *cast
	redis   *redis.Client
	folders []string // of temporary files
	all     map[string]*series
	order   []string
}

// run looks until the time is over.
func (s *soak) run(ctx context.Context, lasts time.Duration) error {
	warm := time.Now().Add(lasts / 3)
	end := time.NewTimer(lasts)
	defer end.Stop()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if time.Now().Before(warm) {
				continue
			}
			if err := s.sample(ctx); err != nil {
				return err
			}
		case <-end.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// sample adds one value to each series.
func (s *soak) sample(ctx context.Context) error {
	for _, p := range slices.Concat(s.cast.coordinators, s.cast.workers) {
		told, err := p.told(ctx)
		if err != nil {
			return fmt.Errorf("ask %s for its metrics: %w", p.name, err)
		}
		s.add(series{name: p.name + " memory, MiB", unit: 1 << 20, share: 0.1, floor: 4 << 20}, told["process_resident_memory_bytes"])
		s.add(series{name: p.name + " goroutines", unit: 1, share: 0.1, floor: 8}, told["go_goroutines"])
		s.add(series{name: p.name + " open files", unit: 1, share: 0.1, floor: 8}, told["process_open_fds"])
	}
	keys, err := s.redis.DBSize(ctx).Result()
	if err != nil {
		return err
	}
	s.add(series{name: "Redis keys", unit: 1, share: 0.1, floor: 16}, float64(keys))
	files := 0
	for _, folder := range s.folders {
		found, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		files += len(found)
	}
	s.add(series{name: "temporary files", unit: 1, floor: 2}, float64(files))
	return nil
}

func (s *soak) add(to series, value float64) {
	if s.all[to.name] == nil {
		s.all[to.name] = &to
		s.order = append(s.order, to.name)
	}
	s.all[to.name].values = append(s.all[to.name].values, value)
}

// print writes a row for each series, and returns an error if one has grown.
func (s *soak) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "\nWHAT\tleast\tmedian\tmost\tgrew by\tmay grow by\t\n")
	var grown []error
	for _, name := range s.order {
		r := s.all[name]
		verdict, grew, may := "flat", r.grew(), r.may()
		if grew > may {
			verdict = "GROWS"
			grown = append(grown, fmt.Errorf("%s grew by %.1f", name, grew/r.unit))
		}
		fmt.Fprintf(table, "%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%s\n", name, slices.Min(r.values)/r.unit, median(r.values)/r.unit, slices.Max(r.values)/r.unit, grew/r.unit, may/r.unit, verdict)
	}
	return errors.Join(table.Flush(), errors.Join(grown...))
}

// may is by how much it may have grown. What goes up and down with the jobs may
// end half of its way higher than it began: the longer the soak, the smaller is
// the growth by which it ends higher still.
func (r *series) may() float64 {
	swing := (slices.Max(r.values) - slices.Min(r.values)) / 2
	return max(r.floor, r.share*median(r.values), swing)
}

// grew is by how much it has grown from the first sample to the last on the line
// of Theil and Sen, whose slope is the median of those of all pairs: single high
// or low values do not move it.
func (r *series) grew() float64 {
	var slopes []float64
	for i := range r.values {
		for j := range i {
			slopes = append(slopes, (r.values[i]-r.values[j])/float64(i-j))
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	return median(slopes) * float64(len(r.values)-1)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// soakAll runs jobs in peace, and returns an error if anything grows by that or a
// job comes out differently.
func (o options) soakAll(ctx context.Context, s *services, c *cast, jobs *jobs) (err error) {
	k := &soak{
		cast: c, redis: redis.NewClient(&redis.Options{Addr: s.values["COHORT_REDIS"]}),
		folders: []string{c.temporary()}, all: map[string]*series{},
	}
	defer func() { err = errors.Join(err, k.redis.Close()) }()
	fmt.Printf("Jobs for %s; the first third warms up.\n", o.soak)
	g, gctx := errgroup.WithContext(ctx)
	enough := make(chan struct{})
	for lane := range o.jobs {
		g.Go(func() error { return jobs.runUntil(gctx, lane, enough) })
	}
	g.Go(func() error {
		defer close(enough)
		return k.run(gctx, o.soak)
	})
	if err := g.Wait(); err != nil {
		return err
	}
	return errors.Join(k.print(os.Stdout), newReport(0).verdict(os.Stdout, jobs))
}

// temporary is the folder in which the programs may leave temporary files.
func (c *cast) temporary() string { return filepath.Join(c.logs, "tmp") }
