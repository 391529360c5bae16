package worker

import (
	"context"
	"errors"

	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// readRequests reads the requests to a job that came since the last look. A
// store that does not answer says nothing.
func (w *Worker) readRequests(ctx context.Context, k *known) {
	for {
		n := k.hands.next()
		c, _, err := records.Read[job.Control](ctx, w.Store, k.def.ID.ControlKey(n), job.ControlFormat)
		var format *sealed.FormatError
		switch {
		case err == nil:
			k.hands.take(n, c.Action)
		case errors.Is(err, sealed.ErrCorrupt) || errors.As(err, &format):
			k.hands.take(n, "") // passed over, as the job's driver does
		default:
			return
		}
	}
}

// next is the number of the next request to be read.
func (h *hands) next() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.read
}

// take notes request n, unless somebody else has read it meanwhile.
func (h *hands) take(n int, action job.Action) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n != h.read {
		return
	}
	h.read++
	switch action {
	case job.ActionCancel:
		h.over = true
	case job.ActionPause:
		h.paused = true
	case job.ActionResume:
		h.paused = false
	}
}
