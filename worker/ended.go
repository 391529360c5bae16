package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/blob"
)

// Why a shard is put down: nobody waits for it any more, or not now.
var (
	errEnded  = errors.New("the job has ended or was cancelled")
	errPaused = errors.New("the job is paused")
)

// endedEvery is how often the store is asked whether a job in hand goes on.
const endedEvery = 500 * time.Millisecond

// hands are the shards of a job that are in hand.
type hands struct {
	mu     sync.Mutex // guards what follows
	cancel map[int]context.CancelCauseFunc
	serial int
	stop   func() // ends the watch that would cancel them, and waits for it
	// over says that the job goes on no more, which is for good; paused, that it
	// stood still when it was last looked at. read counts the requests to it that
	// were read.
	over, paused bool
	read         int
}

// heed ends the returned context when the job is cancelled, stands still or has
// ended; it has ended already if that is known. One watch serves all shards of a
// job that are in hand. The caller calls leave.
func (w *Worker) heed(ctx context.Context, k *known) (heeding context.Context, leave func()) {
	heeding, cancel := context.WithCancelCause(ctx)
	h := &k.hands
	if h.stands() {
		w.readRequests(ctx, k)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over || h.paused {
		cancel(h.cause())
		return heeding, func() { cancel(nil) }
	}
	if len(h.cancel) == 0 {
		h.cancel = map[int]context.CancelCauseFunc{}
		h.stop = w.watched(k)
	}
	h.serial++
	id := h.serial
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

// watch puts every hand of a job down once the job goes on no more, or stands
// still. It looks at requests at once: the job may stand still already.
func (w *Worker) watch(ctx context.Context, k *known) {
	for {
		if w.readRequests(ctx, k); k.hands.putDown() {
			return
		}
		if w.Clock.Sleep(ctx, endedEvery) != nil {
			return
		}
		if _, err := w.Store.Head(ctx, k.def.ID.ActiveKey()); errors.Is(err, blob.ErrNotFound) {
			k.hands.end()
		}
	}
}

// putDown ends a hand of a shard that is put down for cause. The job's driver
// drives a shard of a paused job again once the job goes on; if it does already,
// the shard is handed back instead.
func (w *Worker) putDown(ctx context.Context, k *known, cause error, logger *slog.Logger) error {
	if w.readRequests(ctx, k); errors.Is(cause, errPaused) && !k.hands.stands() {
		return errors.New("the job was paused while the shard was in hand, and goes on")
	}
	logger.Info("The shard is put down.", "reason", cause.Error())
	return nil
}

// putDown cancels the hands if the job stands still or goes on no more, and says
// whether that is for good.
func (h *hands) putDown() (over bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over || h.paused {
		for _, cancel := range h.cancel {
			cancel(h.cause())
		}
	}
	return h.over
}

// cause is why hands are put down. The caller holds mu.
func (h *hands) cause() error {
	if h.over {
		return errEnded
	}
	return errPaused
}

// end notes that the job goes on no more.
func (h *hands) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
}

// stands says whether the job stood still when it was last looked at.
func (h *hands) stands() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.paused
}
