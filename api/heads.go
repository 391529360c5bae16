package api

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/submission"
)

// heads shares the progress of the jobs that are watched among all who watch
// them, so that the store is asked no more often for many than for one.
type heads struct {
	store   blob.Bucket
	clock   clock.Clock
	mu      sync.Mutex // guards watched and the numbers of watchers in it
	watched map[job.ID]*watched
}

func newHeads(b blob.Bucket, c clock.Clock) *heads {
	return &heads{store: b, clock: c, watched: map[job.ID]*watched{}}
}

// watched is the progress of a job that somebody watches.
type watched struct {
	*heads
	id       job.ID
	watchers int
	turn     chan struct{} // holds a token while somebody asks; guards the rest
	asked    time.Time     // when the store was asked last
	head     *job.Head     // the pointer changes only when its content does
	err      error
}

// watch begins to watch a job; the caller ends it with leave.
func (h *heads) watch(id job.ID) (w *watched, leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, ok := h.watched[id]
	if !ok {
		w = &watched{heads: h, id: id, turn: make(chan struct{}, 1)}
		h.watched[id] = w
	}
	w.watchers++
	return w, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if w.watchers--; w.watchers == 0 {
			delete(h.watched, id)
		}
	}
}

// look returns the job's progress, which is at most headEvery old: nil when
// there is none yet.
func (w *watched) look(ctx context.Context) (*job.Head, error) {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if now := w.clock.Now(); w.asked.IsZero() || now.Sub(w.asked) >= headEvery {
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		head, err := submission.Look(limited, w.store, w.id)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx) // the next asks for itself
		}
		w.asked, w.err = now, err
		if err == nil && !reflect.DeepEqual(head, w.head) {
			w.head = head
		}
	}
	return w.head, w.err
}
