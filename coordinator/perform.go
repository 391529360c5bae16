package coordinator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cohort-rl/cohort/job"
)

// start performs an effect beside the driver's loop.
func (d *driver) start(ctx context.Context, effect job.Effect) {
	switch e := effect.(type) {
	case job.Abandon:
		d.abandonUnit(e.Unit)
	case job.Report:
		d.head.next.Store(&e.Head)
		over := noteEffect(d.Logger, nameOf(effect))
		d.spawn(ctx, func(ctx context.Context) {
			err := d.report(ctx)
			over()
			d.answer(ctx, job.Unit{}, nil, err)
		})
	case job.Drive:
		ctx := d.unitContext(ctx, e.Unit)
		d.work(ctx, effect, func(ctx context.Context) (job.Unit, job.Event, error) {
			err := d.driveShards(ctx, e)
			if lost, ok := errors.AsType[*lostError](err); ok {
				return e.Unit, lost.event, nil
			}
			return e.Unit, nil, err
		})
	case job.Update:
		ctx := d.unitContext(ctx, newest(e).Plan.Unit)
		d.work(ctx, effect, func(ctx context.Context) (job.Unit, job.Event, error) {
			event, err := d.update(ctx, e)
			if err != nil {
				event, err = orLost(err)
			}
			return job.Unit{}, event, err
		})
	default:
		d.work(ctx, effect, func(ctx context.Context) (job.Unit, job.Event, error) {
			return d.perform(ctx, effect)
		})
	}
}

// noteEffect says in the log that an effect begins, and with over that it has
// ended, however. So it can be seen what a process that was killed was at.
func noteEffect(logger *slog.Logger, name string) (over func()) {
	logger.Debug("An effect begins.", "effect", name)
	return func() { logger.Debug("An effect is over.", "effect", name) }
}

// nameOf is what an effect is called in logs.
func nameOf(effect job.Effect) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", effect), "job.")
	switch e := effect.(type) {
	case job.Drive:
		name += "." + string(e.Phase.Kind())
	case job.PutEntry:
		name += "." + string(e.Entry.Kind)
	}
	return name
}

// work does an effect beside the driver's loop, under a span of its own, and
// tells the machine what came of it.
func (d *driver) work(ctx context.Context, effect job.Effect, do func(context.Context) (job.Unit, job.Event, error)) {
	over := noteEffect(d.Logger, nameOf(effect))
	d.spawn(ctx, func(ctx context.Context) {
		traced, span := d.spans.Phase(ctx, effect)
		unit, event, err := do(traced)
		span.End(ctx, err)
		over()
		d.answer(ctx, unit, event, err)
	})
}

// answer tells the machine what came of an effect.
func (d *driver) answer(ctx context.Context, u job.Unit, event job.Event, err error) {
	switch {
	case err != nil && ctx.Err() != nil:
	case err != nil:
		failed := job.EffectFailed{Unit: u, Reason: err.Error()}
		if cause, ok := errors.AsType[*failure](err); ok {
			failed.Remedy = cause.remedy
		}
		d.tell(ctx, failed)
	case event != nil:
		d.tell(ctx, event)
	}
}

// failure is an error with what a person can do about it.
type failure struct {
	err    error
	remedy string
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// perform does the effects that are one exchange with the store or the log.
func (d *driver) perform(ctx context.Context, effect job.Effect) (job.Unit, job.Event, error) {
	switch e := effect.(type) {
	case job.ReadLog:
		event, err := d.readLog(ctx)
		return job.Unit{}, event, err
	case job.Prepare:
		event, err := d.prepare(ctx)
		return job.Unit{}, event, err
	case job.PutEntry:
		event, err := d.putEntry(ctx, e.Entry)
		return job.Unit{}, event, err
	case job.PutPlan:
		event, err := d.putPlan(ctx, e.Plan)
		return e.Plan.Unit, event, err
	case job.Open:
		event, err := d.open(ctx, e)
		return e.Unit, event, err
	case job.PutRanges:
		event, err := d.putRanges(ctx, e)
		return e.Unit, event, err
	case job.GoBack:
		event, err := d.goBack(ctx, e)
		return job.Unit{}, event, err
	case job.PutResult:
		event, err := d.putResult(ctx, e)
		return e.Unit, event, err
	case job.Finish:
		event, err := d.finish(ctx, e)
		return job.Unit{}, event, err
	case job.Retire:
		event, err := d.retire(ctx)
		return job.Unit{}, event, err
	}
	return job.Unit{}, nil, nil
}
