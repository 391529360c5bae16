package coordinator

import (
	"context"
	"time"
)

// refill is how often a phase that has shards left to hand out looks how many of
// those in the queue are done.
const refill = 50 * time.Millisecond

// window are the shards of a phase that are not settled: those that are handed
// out, and those that wait until there is room for them.
type window struct {
	*driver
	count   int // shards of the phase
	out     []*openShard
	waiting []*openShard
	hinted  int // shards of the phase that were reported as settled
}

// most is how many shards may be handed out at once.
func (w *window) most() int {
	most := w.shares.window(w.def.ID)
	if limit := w.def.Spec.Limits.ShardsInFlight; limit > 0 {
		most = min(most, limit)
	}
	return most
}

// fill hands out what there is room for. Reports are a hint: what they say too
// much or too little is put right when the records are looked up.
func (w *window) fill(ctx context.Context) error {
	settled := w.count - len(w.out) - len(w.waiting)
	flying := len(w.out) - min(len(w.out), max(0, w.hinted-settled))
	n := min(len(w.waiting), w.most()-flying)
	if n <= 0 {
		return nil
	}
	next := w.waiting[:n]
	w.out, w.waiting = append(w.out, next...), w.waiting[n:]
	return w.enqueue(ctx, next)
}

// wait returns when all shards were reported, when it is time to look for
// records, or when there may be room for more.
func (w *window) wait(ctx context.Context) error {
	d := w.Poll
	if len(w.waiting) > 0 {
		d = min(refill, d)
	}
	hinted, err := w.Queue.Await(ctx, w.out[0].shard.Group(), d)
	w.queue.note(ctx, w.Logger, err)
	if err != nil {
		return w.Clock.Sleep(ctx, w.Poll)
	}
	w.hinted = hinted
	return nil
}
