package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/patient"
	"github.com/cohort-rl/cohort/deletion"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// Supervisor lists the active jobs and drives those whose lease it gets.
type Supervisor struct {
	Config
	// Rescan is how often the active jobs are listed; Lease is how long a lease
	// holds. Both are required.
	Rescan, Lease time.Duration

	wake chan struct{}
	mu   sync.Mutex // guards driving
	// driving holds the jobs that are looked after; true are those that this
	// process drives.
	driving map[job.ID]bool
	queue   outage
}

// NewSupervisor returns a supervisor.
func NewSupervisor(c Config, rescan, lease time.Duration) *Supervisor {
	c.shares, c.voice = newShares(), patient.NewVoice(c.Clock, c.Logger)
	return &Supervisor{Config: c, Rescan: rescan, Lease: lease, wake: make(chan struct{}, 1), driving: map[job.ID]bool{}}
}

// Wake makes the supervisor look for new jobs now.
func (s *Supervisor) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run drives jobs until ctx ends, and returns once all its drivers have stopped.
func (s *Supervisor) Run(ctx context.Context) error {
	var drivers sync.WaitGroup
	defer drivers.Wait()
	if s.Hands != nil {
		drivers.Go(func() { s.watchFleet(ctx) })
	}
	store := patient.New(s.Store, s.Clock, s.voice)
	for ctx.Err() == nil {
		if err := s.scan(ctx, store, &drivers); err != nil && ctx.Err() == nil {
			s.Logger.Error("The active jobs cannot be listed.", "error", err)
		}
		s.pause(ctx)
	}
	return ctx.Err()
}

// pause waits for Rescan, for Wake, or for the context's end.
func (s *Supervisor) pause(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	slept := make(chan struct{})
	go func() {
		defer close(slept)
		_ = s.Clock.Sleep(ctx, s.Rescan) // Either way the pause is over.
	}()
	select {
	case <-s.wake:
	case <-slept:
	}
	cancel()
	<-slept
}

// scan starts to drive the active jobs that nobody drives.
func (s *Supervisor) scan(ctx context.Context, store blob.Bucket, drivers *sync.WaitGroup) error {
	for info, err := range store.List(ctx, job.ActivePrefix, "") {
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(info.Key, job.ActivePrefix), ".json")
		id, err := job.ParseID(name)
		if err != nil {
			s.Logger.Warn("An active job has a name that is none.", "key", info.Key)
			continue
		}
		if !s.claim(id) {
			continue
		}
		drivers.Go(func() {
			defer s.unclaim(id)
			s.lead(ctx, store, id)
		})
	}
	return nil
}

func (s *Supervisor) claim(id job.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, claimed := s.driving[id]; claimed {
		return false
	}
	s.driving[id] = false
	return true
}

// drives notes that this process drives the job.
func (s *Supervisor) drives(id job.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.driving[id] = true
	s.count()
}

func (s *Supervisor) unclaim(id job.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.driving, id)
	s.count()
}

// count tells how many jobs this process drives. The caller holds mu.
func (s *Supervisor) count() {
	n := 0
	for _, drives := range s.driving {
		if drives {
			n++
		}
	}
	s.observer().Driving(n)
}

// definition reads what a job that is to be driven was submitted with. It
// returns nil, and says so, if the job cannot be driven, or was deleted.
func (s *Supervisor) definition(ctx context.Context, store blob.Bucket, id job.ID, logger *slog.Logger) *job.Definition {
	def, _, err := records.Read[job.Definition](ctx, store, id.SpecKey(), job.DefinitionFormat)
	if errors.Is(err, blob.ErrNotFound) {
		logger.Debug("The job is active and has no definition yet: its submission is under way.")
		return nil
	}
	if err == nil && def.ID != id {
		err = fmt.Errorf("%s is the definition of job %s", id.SpecKey(), def.ID)
	}
	gone := false
	if err == nil {
		gone, err = deletion.Deleted(ctx, store, id)
	}
	if gone {
		logger.Warn("The job was deleted, and somebody who was stalled has submitted it once more; deleting it again removes what is left.")
		err = store.Delete(ctx, id.ActiveKey())
		def = nil
	}
	if err != nil {
		logger.Error("The job cannot be driven.", "error", err)
		return nil
	}
	return def
}

// lead drives a job while this process has its lease.
func (s *Supervisor) lead(ctx context.Context, store blob.Bucket, id job.ID) {
	logger := s.Logger.With("job", string(id))
	held, err := s.hold(ctx, id, "TakeLease")
	s.queue.note(ctx, s.Logger, err)
	if err != nil || !held {
		return
	}
	def := s.definition(ctx, store, id, logger)
	if def == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() { s.renew(ctx, cancel, id) })
	logger.Info("Driving the job.")
	s.drives(id)
	err = Drive(ctx, s.Config, *def)
	cancel()
	renewing.Wait()
	switch {
	case err == nil:
		logger.Info("The job has ended.")
	case ctx.Err() == nil || !errors.Is(err, context.Canceled):
		logger.Error("The job is not driven any more by this process.", "error", err)
	}
	// The lease is given up although the context has ended.
	release, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer done()
	if err := s.Queue.Release(release, id, s.Name); err != nil {
		logger.Debug("The job's lease could not be given up; it lapses by itself.", "error", err)
	}
}

// hold takes or keeps the lease of a job.
func (s *Supervisor) hold(ctx context.Context, id job.ID, effect string) (bool, error) {
	over := noteEffect(s.Logger, effect)
	defer over()
	return s.Queue.Hold(ctx, id, s.Name, s.Lease)
}

// renew keeps the lease; it stops the driver when another holds it. A queue
// that does not answer is no reason to stop: the lease only saves work.
func (s *Supervisor) renew(ctx context.Context, stop context.CancelFunc, id job.ID) {
	for s.Clock.Sleep(ctx, s.Lease/3) == nil {
		held, err := s.hold(ctx, id, "RenewLease")
		if err == nil && !held {
			s.Logger.Warn("Another coordinator drives the job now.", "job", string(id))
			stop()
			return
		}
	}
}
