package coordinator

import (
	"context"
	"errors"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// controlEvery is how often the store is asked for requests to the job.
const controlEvery = 500 * time.Millisecond

// watchControl tells the machine of a request to cancel.
func (d *driver) watchControl(ctx context.Context) {
	for n := 0; d.Clock.Sleep(ctx, controlEvery) == nil; {
		c, _, err := records.Read[job.Control](ctx, d.store, d.def.ID.ControlKey(n), job.ControlFormat)
		switch {
		case errors.Is(err, blob.ErrNotFound), ctx.Err() != nil:
			continue
		case err != nil:
			d.Logger.Error("A request to the job cannot be read; it is passed over.", "error", err)
		case c.Action == job.ActionCancel:
			d.tell(ctx, job.CancelRead{Reason: c.Reason})
		}
		n++
	}
}
