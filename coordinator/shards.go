package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/spans"
)

// lookups is how many settled records are looked up at once.
const lookups = 16

// driveShards sees to it that every shard of a phase is settled, and tells the
// machine of each. Before anything is enqueued records are looked for only if
// another may have begun the phase.
func (d *driver) driveShards(ctx context.Context, e job.Drive) error {
	first := job.Shard{Unit: e.Unit, Collection: e.Collection, Phase: e.Phase}
	open := opened(first, e.Count, d.timeout(e))
	tell := func(s *settledShard) { d.tell(ctx, s.ShardSettled) }
	if e.Resuming || e.Again {
		var err error
		if open, err = d.lookUp(ctx, open, tell); err != nil || len(open) == 0 {
			return err
		}
	}
	if e.Resuming {
		n, err := d.takeOver(ctx, e.Unit, e.Collection, e.Phase)
		if err != nil {
			return err
		}
		d.tell(ctx, job.TakenOver{Unit: e.Unit, N: n})
	}
	return d.settle(ctx, e.Count, open, tell, func(ctx context.Context, s job.Shard) error { return d.mend(ctx, e, s) })
}

// settle sees to it that the open shards of a phase of count are settled, and
// tells of each once: it hands them out, as many at once as the job may have,
// looks for their records when the barrier hints or Poll has passed, and drives a
// shard again that nobody holds any more. The records in the store alone say what
// is done. What a shard reads is mended before it is driven again.
func (d *driver) settle(ctx context.Context, count int, open []*openShard, tell func(*settledShard), mend mending) error {
	defer d.shares.want(d.def.ID, d.def.Spec.Limits.Priority)()
	w := &window{driver: d, count: count, waiting: open}
	checked := d.Clock.Now()
	for {
		if err := w.fill(ctx); err != nil {
			return err
		}
		if err := w.wait(ctx); err != nil {
			return err
		}
		now := d.Clock.Now()
		due := now.Sub(checked) >= d.Poll
		if len(w.waiting) > 0 && !due {
			continue // the reports alone make room; records are looked up at leisure
		}
		var err error
		if w.out, err = d.lookUp(ctx, w.out, tell); err != nil {
			return err
		}
		if len(w.out)+len(w.waiting) == 0 {
			return nil
		}
		if due {
			if err := d.reconcile(ctx, w.out, mend); err != nil {
				return err
			}
			checked = now
		}
	}
}

// timeout is how long a worker may have a shard of the phase in hand.
func (d *driver) timeout(e job.Drive) time.Duration {
	limits := d.def.Spec.Limits.Deadlines
	switch {
	case e.Unit.Eval != "":
		return limits.Eval.Std()
	case e.Phase == job.Rollout:
		return limits.Rollout.Std()
	}
	return limits.Collect.Std()
}

// mending makes what a shard reads whole.
type mending func(context.Context, job.Shard) error

// openShard is a shard that is not settled, and its newest drive.
type openShard struct {
	shard   job.Shard
	drive   int
	timeout time.Duration
	last    string // the last error of a worker with it
	// missed says that nobody held the shard when it was last reconciled. One
	// look may fall between two hands; the second decides.
	missed bool
}

// opened are the first so many shards of the phase of a shard, at their first
// drive.
func opened(first job.Shard, count int, timeout time.Duration) []*openShard {
	open := make([]*openShard, count)
	for i := range open {
		first.Index = i
		open[i] = &openShard{shard: first, drive: 1, timeout: timeout}
	}
	return open
}

func (o *openShard) task() queue.Task {
	return queue.Task{Version: queue.VersionOf(o.shard.Phase), Shard: o.shard, Drive: o.drive, Timeout: o.timeout}
}

// settledShard is a shard that is settled, and its record.
type settledShard struct {
	job.ShardSettled
	gradient *job.GradientRecord // of a shard that the machine knows nothing of
}

// lookUp tells of each shard that is settled, in order, and returns the others.
func (d *driver) lookUp(ctx context.Context, shards []*openShard, tell func(*settledShard)) ([]*openShard, error) {
	found := make([]*settledShard, len(shards))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for i, o := range shards {
		g.Go(func() (err error) {
			found[i], err = d.settled(gctx, o.shard)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var open []*openShard
	for i, o := range shards {
		if found[i] == nil {
			open = append(open, o)
			continue
		}
		tell(found[i])
	}
	return open, nil
}

// settled reads a shard's record; nil if there is none.
func (d *driver) settled(ctx context.Context, s job.Shard) (*settledShard, error) {
	event := &settledShard{ShardSettled: job.ShardSettled{Shard: s}}
	var err error
	switch s.Phase.Kind() {
	case job.Rollout:
		event.Rollout, event.Digest, err = records.Read[job.RolloutRecord](ctx, d.store, s.SettledKey(), job.RolloutFormat)
	case job.Extract:
		event.Extract, event.Digest, err = records.Read[job.ExtractRecord](ctx, d.store, s.SettledKey(), job.ExtractFormat)
	case job.Collect, job.Assemble:
		event.Collect, event.Digest, err = records.Read[job.CollectRecord](ctx, d.store, s.SettledKey(), job.CollectFormat)
	case job.Updating:
		event.gradient, event.Digest, err = records.Read[job.GradientRecord](ctx, d.store, s.SettledKey(), job.GradientFormat)
	}
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return nil, nil //nolint:nilnil // no record and no error: the shard is open
	case errors.Is(err, blob.ErrCorrupt) && s.Phase.Repeatable():
		return nil, nil //nolint:nilnil // a worker makes it again
	case err != nil:
		return nil, lostRecord(s.Unit, s.Collection, s.SettledKey(), err)
	}
	return event, nil
}

// enqueue hands the shards to the queue. A queue that does not answer is
// weather: the reconciler tries again.
func (d *driver) enqueue(ctx context.Context, shards []*openShard) error {
	tasks := make([]queue.Task, len(shards))
	for i, o := range shards {
		tasks[i] = o.task()
	}
	err := d.Queue.Enqueue(ctx, tasks)
	d.queue.note(ctx, d.Logger, err)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}

// reconcile drives the shards again that are neither in the queue nor in the
// hands of a live worker.
func (d *driver) reconcile(ctx context.Context, shards []*openShard, mend mending) error {
	for _, o := range shards {
		status, err := d.Queue.Status(ctx, o.task())
		if err != nil {
			d.queue.note(ctx, d.Logger, err)
			return ctx.Err()
		}
		if status.LastError != "" {
			o.last = status.LastError
		}
		if held := status.Condition == queue.Waiting || status.Condition == queue.Running; held || !o.missed {
			o.missed = !held
			continue
		}
		// It may have been settled since the last look.
		event, err := d.settled(ctx, o.shard)
		if err != nil {
			return err
		}
		if event != nil {
			continue // the next look finds it
		}
		if asked, err := d.asked(ctx); err != nil || asked {
			return err
		}
		if err := mend(ctx, o.shard); err != nil {
			return err
		}
		if err := d.redrive(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// redriven is the record of a drive after the first.
type redriven struct {
	Format string    `json:"format"`
	Driver string    `json:"driver"`
	Nonce  string    `json:"nonce"`
	Error  string    `json:"error,omitempty"`
	At     time.Time `json:"at"`
}

// redrive records the next drive of a shard and enqueues it. The records bound
// how often a shard is driven, whoever drives it.
func (d *driver) redrive(ctx context.Context, o *openShard) error {
	o.missed = false
	for {
		o.drive++
		if o.drive > d.def.Spec.Limits.Drives {
			last := o.last
			if last == "" {
				last = "its workers died"
			}
			return &failure{
				err:    fmt.Errorf("shard %s was driven %d times and is not settled; last: %s", o.shard, d.def.Spec.Limits.Drives, last),
				remedy: "see the workers' logs for this shard, or set limits.drives higher",
			}
		}
		mine := &redriven{Format: job.RedriveFormat, Driver: d.Name, Nonce: d.Nonce(), Error: o.last, At: d.Clock.Now().UTC()}
		_, existed, err := records.Adopt(ctx, d.store, o.shard.RedriveKey(o.drive), job.RedriveFormat, mine)
		if existed = existed || repair.Damage(err); err != nil && !existed {
			return err
		}
		if existed {
			continue
		}
		d.Observer.Redriven(o.shard.Phase)
		spans.Redriven(ctx, o.shard, o.drive)
		d.Logger.Warn("A shard is driven again: nobody holds it any more.", "step", o.shard.Unit.Step, "shard", o.shard.String(), "drive", o.drive, "error", o.last)
		return d.enqueue(ctx, []*openShard{o})
	}
}
