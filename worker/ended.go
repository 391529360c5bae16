package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// errEnded is why a shard is put down: nobody waits for it any more.
var errEnded = errors.New("the job has ended or was cancelled")

// endedEvery is how often the store is asked whether a job in hand goes on.
const endedEvery = 500 * time.Millisecond

// hands are the shards of a job that are in hand.
type hands struct {
	mu     sync.Mutex // guards what follows
	cancel map[int]context.CancelCauseFunc
	next   int
	stop   func() // ends the watch that would cancel them, and waits for it
	// over says that the job goes on no more, which is for good.
	over bool
}

// heed ends the returned context when the job is cancelled or has ended; it has
// ended already if that is known. One watch serves all shards of a job that are
// in hand. The caller calls leave.
func (w *Worker) heed(ctx context.Context, k *known) (heeding context.Context, leave func()) {
	heeding, cancel := context.WithCancelCause(ctx)
	h := &k.hands
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		cancel(errEnded)
		return heeding, func() {}
	}
	if len(h.cancel) == 0 {
		h.cancel = map[int]context.CancelCauseFunc{}
		h.stop = w.watched(k)
	}
	h.next++
	id := h.next
	h.cancel[id] = cancel
	return heeding, func() {
		cancel(nil)
		h.drop(id)()
	}
}

// drop forgets a hand, and returns what is to be called afterwards: it ends the
// watch when that was the last one.
func (h *hands) drop(id int) (end func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if delete(h.cancel, id); len(h.cancel) == 0 {
		return h.stop
	}
	return func() {}
}

// watched starts a watch, which belongs to none of the hands; stop ends it and
// waits until it has ended.
func (w *Worker) watched(k *known) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var watch sync.WaitGroup
	watch.Go(func() { w.watch(ctx, k) })
	return func() {
		cancel()
		watch.Wait()
	}
}

// watch puts every hand of a job down once the job goes on no more.
func (w *Worker) watch(ctx context.Context, k *known) {
	for w.Clock.Sleep(ctx, endedEvery) == nil {
		if w.over(ctx, k.def.ID) {
			k.hands.putDown()
			return
		}
	}
}

// putDown cancels the hands, those that are still to come included.
func (h *hands) putDown() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	for _, cancel := range h.cancel {
		cancel(errEnded)
	}
}

// over says whether a job was cancelled or has ended.
func (w *Worker) over(ctx context.Context, id job.ID) bool {
	c, _, err := records.Read[job.Control](ctx, w.Store, id.ControlKey(0), job.ControlFormat)
	if err == nil && c.Action == job.ActionCancel {
		return true
	}
	_, err = w.Store.Head(ctx, id.ActiveKey())
	return errors.Is(err, blob.ErrNotFound)
}
