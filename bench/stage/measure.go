package stage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

// Figures are what a job did while it was watched.
type Figures struct {
	Steps int
	// PerSecond is the number of rollouts in a second, from commit to commit.
	PerSecond float64
	// Step is the median time from a commit to the next.
	Step time.Duration
	// CPU is the processor time for 1,000 rollouts by process.
	CPU map[string]time.Duration
}

// Watch measures a job for at least d, after a warm-up of at least one step and
// a quarter of d.
func (c *Cluster) Watch(ctx context.Context, id job.ID, rollouts int, d time.Duration) (Figures, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute+3*d, fmt.Errorf("job %s did not get on", id))
	defer cancel()
	first, err := c.after(ctx, id, 0, d/4)
	if err != nil {
		return Figures{}, err
	}
	before := c.Spent()
	last, err := c.after(ctx, id, first, d)
	if err != nil {
		return Figures{}, err
	}
	after := c.Spent()
	at := make([]time.Time, 0, last-first+1)
	for n := first; n <= last; n++ {
		e, err := checkpoint.ReadEntry(ctx, c.Store, id, n)
		if err != nil {
			return Figures{}, err
		}
		if e.Kind != job.KindCommit {
			return Figures{}, fmt.Errorf("the job ended: %+v", e.End)
		}
		at = append(at, e.At)
	}
	steps := make([]time.Duration, last-first)
	for i := range steps {
		steps[i] = at[i+1].Sub(at[i])
	}
	slices.Sort(steps)
	f := Figures{Steps: len(steps), Step: steps[len(steps)/2], CPU: map[string]time.Duration{}}
	all := len(steps) * rollouts
	f.PerSecond = float64(all) / at[len(at)-1].Sub(at[0]).Seconds()
	for name, spent := range after {
		f.CPU[name] = (spent - before[name]) * 1000 / time.Duration(all)
	}
	return f, nil
}

// after returns the number of the newest entry of the log once it is above n
// and d has passed.
func (c *Cluster) after(ctx context.Context, id job.ID, n int, d time.Duration) (last int, err error) {
	began := time.Now()
	last = -1 // nothing is known to be there
	err = poll(ctx, func() (bool, error) {
		var err error
		last, err = checkpoint.LastEntry(ctx, c.Store, id, last)
		return time.Since(began) >= d && last > n, err
	})
	return last, err
}
