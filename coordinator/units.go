package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/spans"
	"github.com/cohort-rl/cohort/traces"
)

func (d *driver) putPlan(ctx context.Context, p *job.Plan) (job.Event, error) {
	// Two drivers make the same plan, so only a look tells who was first.
	plan, _, err := records.Read[job.Plan](ctx, d.store, p.Unit.PlanKey(), job.PlanFormat)
	existed := err == nil || errors.Is(err, blob.ErrCorrupt)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrCorrupt) {
		plan, err = d.mendPlan(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	if plan.Unit != p.Unit {
		return nil, fmt.Errorf("read %s: it is the plan of another unit", p.Unit.PlanKey())
	}
	return job.PlanRead{Plan: plan, Existed: existed}, nil
}

// takenOver is the record of a take-over.
type takenOver struct {
	Format string `json:"format"`
	Driver string `json:"driver"`
	Nonce  string `json:"nonce"`
}

// takeOver creates the next numbered record of a phase and returns its number.
func (d *driver) takeOver(ctx context.Context, u job.Unit, collection int, phase job.Phase) (int, error) {
	mine := &takenOver{Format: job.DriverFormat, Driver: d.Name, Nonce: d.Nonce()}
	for n := 1; ; n++ {
		_, existed, err := records.Adopt(ctx, d.store, u.DriverKey(collection, phase, n), job.DriverFormat, mine)
		if existed = existed || repair.Damage(err); err != nil && !existed {
			return 0, err
		}
		if !existed || n > job.MaxTakeOvers {
			d.Observer.TakenOver()
			spans.TakenOver(ctx, n)
			d.Logger.Info("Going on with what another process began.", "step", u.Step, "phase", string(phase), "n", n)
			return n, nil
		}
	}
}

// open reads the opening markers of a collection, or appends and records them.
// Nobody enqueues for the collection before this returned. Beside the markers it
// leaves a record that they were there: executions may lie behind markers that
// are lost, so those are never replaced by newer ones.
func (d *driver) open(ctx context.Context, e job.Open) (job.Event, error) {
	key, witness := e.Unit.OpenedKey(e.Collection), e.Unit.DriverKey(e.Collection, job.Rollout, 0)
	opened, _, err := records.Read[job.Opened](ctx, d.store, key, job.OpenedFormat)
	if errors.Is(err, blob.ErrNotFound) {
		switch _, seen := d.store.Head(ctx, witness); {
		case seen == nil:
			return orLost(lostRecord(e.Unit, e.Collection, key, err))
		case !errors.Is(seen, blob.ErrNotFound):
			return nil, seen
		}
		var marks []job.Mark
		if marks, err = d.appendMarks(ctx, d.topic()); err == nil {
			opened, _, err = records.Adopt(ctx, d.store, key, job.OpenedFormat, &job.Opened{Format: job.OpenedFormat, Marks: marks})
		}
	}
	if err != nil {
		return orLost(lostRecord(e.Unit, e.Collection, key, err))
	}
	mine := &takenOver{Format: job.DriverFormat, Driver: d.Name, Nonce: d.Nonce()}
	if _, _, err := records.Adopt(ctx, d.store, witness, job.DriverFormat, mine); err != nil && !repair.Damage(err) {
		return nil, err
	}
	return job.OpenedRead{Unit: e.Unit, Collection: e.Collection, Marks: opened.Marks}, nil
}

// firstMarks are where the first range begins; none in an offline job, which has
// no topic.
func (d *driver) firstMarks(ctx context.Context, topic traces.Topic) ([]job.Mark, error) {
	if d.def.Offline() {
		return []job.Mark{}, nil
	}
	return d.appendMarks(ctx, topic)
}

// appendMarks appends a marker with a fresh nonce to each partition of the
// topic, and creates the topic if it is gone.
func (d *driver) appendMarks(ctx context.Context, topic traces.Topic) ([]job.Mark, error) {
	t := d.def.Spec.Traces
	if err := d.Log.Create(ctx, topic.Name, t.Partitions, t.Retention.Std()); err != nil {
		return nil, err
	}
	return topic.AppendMarkers(ctx, d.def.ID, t.Partitions, d.Clock.Now(), d.Nonce)
}

// putRanges fixes what a collection reads. The closing markers are appended
// after all rollouts of the unit were settled, which the caller has read from
// the store; both ends are verified before the record is created.
func (d *driver) putRanges(ctx context.Context, e job.PutRanges) (job.Event, error) {
	key := e.Unit.RangesKey(e.Collection)
	ranges, _, err := records.Read[job.Ranges](ctx, d.store, key, job.RangesFormat)
	if errors.Is(err, blob.ErrNotFound) {
		var mine *job.Ranges
		if mine, err = d.closeRanges(ctx, e); err == nil {
			ranges, _, err = records.Adopt(ctx, d.store, key, job.RangesFormat, mine)
		}
	}
	if err != nil {
		return orLost(lostRecord(e.Unit, e.Collection, key, err))
	}
	if len(ranges.Losses) == 0 && !slices.Equal(ranges.Settled, e.Settled) {
		return orLost(lostRecord(e.Unit, e.Collection, key, fmt.Errorf("%w: the rollout records are not those that it names", blob.ErrCorrupt)))
	}
	return job.RangesRead{Unit: e.Unit, Collection: e.Collection, Ranges: ranges}, nil
}

func (d *driver) closeRanges(ctx context.Context, e job.PutRanges) (*job.Ranges, error) {
	topic := d.topic()
	closing, err := topic.AppendMarkers(ctx, d.def.ID, d.def.Spec.Traces.Partitions, d.Clock.Now(), d.Nonce)
	if errors.Is(err, traces.ErrGone) {
		closing, err = d.appendMarks(ctx, topic)
	}
	if err != nil {
		return nil, fmt.Errorf("close the ranges of step %d: %w", e.Unit.Step, err)
	}
	losses, err := topic.VerifyMarks(ctx, append(append([]job.Mark{}, e.Opening...), closing...)...)
	if err != nil {
		return nil, fmt.Errorf("verify the ranges of step %d: %w", e.Unit.Step, err)
	}
	for i := range closing {
		if len(losses) == 0 && closing[i].Offset <= e.Opening[i].Offset {
			losses = append(losses, job.Loss{
				Kind: job.LostMarker, Partition: i, Offset: e.Opening[i].Offset,
				Detail: fmt.Sprintf("the closing marker lies before it, at offset %d", closing[i].Offset),
			})
		}
	}
	r := &job.Ranges{Format: job.RangesFormat, Losses: losses}
	if len(losses) > 0 {
		d.Logger.Warn("The log has lost an opening marker; the rollouts run again.", "step", e.Unit.Step, "loss", losses[0].String())
		return r, nil
	}
	r.Settled = e.Settled
	for i := range closing {
		r.Ranges = append(r.Ranges, job.Range{Opening: e.Opening[i], Closing: closing[i]})
	}
	return r, nil
}
