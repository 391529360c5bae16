package coordinator

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// controlEvery is how often the store is asked for requests to the job.
const controlEvery = 500 * time.Millisecond

// controls is how far the requests to the job were read.
type controls struct {
	next   atomic.Int64
	paused bool          // the watch's alone
	read   chan struct{} // closed once those were read that were there at first
}

// watchControl tells the machine of requests to cancel, to pause and to resume.
func (d *driver) watchControl(ctx context.Context) {
	for first := true; ; first = false {
		for d.readControl(ctx) {
			d.controls.next.Add(1)
		}
		if first {
			close(d.controls.read)
		}
		if d.controls.paused {
			d.noticeEnd(ctx)
		}
		if d.Clock.Sleep(ctx, controlEvery) != nil {
			return
		}
	}
}

// readControl reads the next request and tells the machine; it is false if there
// is none.
func (d *driver) readControl(ctx context.Context) bool {
	c, _, err := records.Read[job.Control](ctx, d.store, d.nextControl(), job.ControlFormat)
	switch {
	case errors.Is(err, blob.ErrNotFound), ctx.Err() != nil:
		return false
	case err != nil:
		d.Logger.Error("A request to the job cannot be read; it is passed over.", "error", err)
	case c.Action == job.ActionCancel:
		d.tell(ctx, job.CancelRead{Reason: c.Reason})
	case c.Action == job.ActionPause:
		d.Logger.Info("The job stands still.", "reason", c.Reason)
		d.controls.paused = true
		d.tell(ctx, job.PauseRead{Pause: &job.Pause{Reason: c.Reason, At: c.At}})
	case c.Action == job.ActionResume:
		d.Logger.Info("The job goes on.", "reason", c.Reason)
		d.controls.paused = false
		d.tell(ctx, job.PauseRead{})
	}
	return true
}

// noticeEnd tells the machine how another driver has ended the job, the entries
// before that included: one that stands still would not find out by itself.
func (d *driver) noticeEnd(ctx context.Context) {
	if _, err := d.store.Head(ctx, d.def.ID.ActiveKey()); !errors.Is(err, blob.ErrNotFound) {
		return
	}
	n := d.newest()
	last, err := checkpoint.LastEntry(ctx, d.store, d.def.ID, -1)
	for ; err == nil && n <= last; n++ {
		var e *job.Entry
		if e, err = checkpoint.ReadEntry(ctx, d.store, d.def.ID, n); err == nil {
			d.keepEntry(e)
			d.tell(ctx, job.EntryRead{Entry: e})
		}
	}
}

func (d *driver) nextControl() string { return d.def.ID.ControlKey(int(d.controls.next.Load())) }

// awaitControls returns once the machine was told what was asked of the job
// before this process drove it: nothing may be begun of a job that stands still.
func (d *driver) awaitControls(ctx context.Context) error {
	select {
	case <-d.controls.read:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// asked says whether there is a request that the machine was not told of yet:
// workers may have put shards down for it that nobody is to drive again.
func (d *driver) asked(ctx context.Context) (bool, error) {
	_, err := d.store.Head(ctx, d.nextControl())
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
