package coordinator

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/cohort-rl/cohort/job"
)

// Observer is told what drivers do, for metrics. Its methods are called by
// several goroutines at once and return at once.
type Observer interface {
	// Driving is told how many jobs this process drives now.
	Driving(jobs int)
	// Committed is told of each checkpoint that this process committed.
	Committed()
	// Settled is told the fates of the rollouts of a step that this process
	// committed, or that its end of a job left open.
	Settled(fates job.Totals)
	// TakenOver is told of each unit that this process goes on with and did not
	// begin.
	TakenOver()
	// Redriven is told of each shard that is driven again.
	Redriven(phase job.Phase)
}

// unobserved tells nobody.
type unobserved struct{}

func (unobserved) Driving(int)        {}
func (unobserved) Committed()         {}
func (unobserved) Settled(job.Totals) {}
func (unobserved) TakenOver()         {}
func (unobserved) Redriven(job.Phase) {}

// observer is what the config names, or one that tells nobody.
func (c *Config) observer() Observer {
	if c.Observer == nil {
		return unobserved{}
	}
	return c.Observer
}

// outage says once that the queue does not answer, and once that it does again.
type outage struct{ away atomic.Bool }

// note takes down how an exchange with the queue came out. What ctx cut short
// says nothing.
func (o *outage) note(ctx context.Context, logger *slog.Logger, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil && !o.away.Swap(true):
		logger.Warn("The queue does not answer; looking into the store alone until it does.", "error", err)
	case err != nil:
		logger.Debug("The queue does not answer.", "error", err)
	case o.away.Load() && o.away.Swap(false):
		logger.Info("The queue answers again.")
	}
}
