package traces

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/telemetry"
)

// fetchBytes is about how much of a partition is asked for at once.
const fetchBytes = 4 << 20

// Extracted is what a pass over a range found. With Losses, nothing that was
// kept may be used.
type Extracted struct {
	Tally
	Losses []job.Loss
}

// Extract reads the range once, however many threads it holds, and hands the
// records of the executions that count to keep, by assemble shard. It looks at
// keys alone: frames are opened in Assemble. Both markers are verified before
// and after; what the log has lost comes back as Losses, with a nil error.
// Records counts what lies between the markers; Events is left to Assemble.
//
// It is safe to repeat: the same range gives the same parts.
func (t Topic) Extract(ctx context.Context, c Collection, r job.Range, keep Keep) (Extracted, error) {
	if err := c.Validate(); err != nil {
		return Extracted{}, err
	}
	if r.Opening.Partition != r.Closing.Partition || r.Opening.Offset >= r.Closing.Offset {
		return Extracted{}, fmt.Errorf("extract %s: no range: opening marker %+v, closing marker %+v", t.Name, r.Opening, r.Closing)
	}
	losses, err := t.VerifyMarks(ctx, r.Opening, r.Closing)
	if err != nil || len(losses) > 0 {
		return Extracted{Losses: losses}, err
	}
	p := newPass(t, c, r, keep)
	if err := p.read(ctx); errors.Is(err, ErrGone) {
		// What lies behind the opening marker is gone, so the marker is as well.
		return Extracted{Tally: p.tally, Losses: []job.Loss{markLoss(r.Opening, err.Error())}}, nil
	} else if err != nil {
		return Extracted{}, err
	}
	losses, err = t.VerifyMarks(ctx, r.Opening, r.Closing)
	if err != nil {
		return Extracted{}, err
	}
	return Extracted{Tally: p.tally, Losses: append(losses, p.promises.broken()...)}, nil
}

// ExtractAll extracts the ranges, a few at a time, and returns all parts in the
// order of the ranges. It is for units that one shard collects in memory.
func (t Topic) ExtractAll(ctx context.Context, c Collection, ranges []job.Range) ([][]byte, Extracted, error) {
	found := make([]Extracted, len(ranges))
	parts := make([][][]byte, len(ranges))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for i, r := range ranges {
		group.Go(func() error {
			var err error
			found[i], err = t.Extract(ctx, c, r, func(_ context.Context, _ int, part []byte) error {
				parts[i] = append(parts[i], part)
				return nil
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, Extracted{}, err
	}
	var all Extracted
	var flat [][]byte
	for i := range ranges {
		all.Add(found[i].Tally)
		all.Losses = append(all.Losses, found[i].Losses...)
		flat = append(flat, parts[i]...)
	}
	return flat, all, nil
}

// pass is one reading of a range.
type pass struct {
	topic    Topic
	plan     *job.Plan
	around   job.Range
	threads  threads
	promises *promises
	sink     *sink
	tally    Tally
}

func newPass(t Topic, c Collection, r job.Range, keep Keep) *pass {
	partition := r.Opening.Partition
	return &pass{
		topic: t, plan: c.Plan, around: r,
		threads:  c.threads(),
		promises: c.promises(partition),
		sink:     newSink(partition, max(1, c.Plan.Shards(job.Assemble)), keep),
	}
}

func (p *pass) read(ctx context.Context) error {
	opening, closing := p.around.Opening, p.around.Closing
	err := p.topic.Scan(ctx, opening.Partition, opening.Offset+1, closing.Offset, func(r Record) error { return p.take(ctx, r) })
	if err != nil {
		return err
	}
	return p.sink.flushAll(ctx)
}

func (p *pass) take(ctx context.Context, record Record) error {
	counted := &p.tally.Counts
	counted.Records++
	counted.Bytes += int64(len(record.Key) + len(record.Value))
	place, w := p.threads.find(record.Key)
	if w != counts {
		p.promises.met(record.Offset, -1)
		p.other(record, w)
		return nil
	}
	p.promises.met(record.Offset, place)
	shard := 0
	if p.plan.Layout.PerAssemble > 0 {
		group, _ := p.plan.At(place)
		shard = p.plan.AssembleShardOf(group)
	}
	return p.sink.add(ctx, shard, place, record)
}

// other counts a record that is kept by nobody.
func (p *pass) other(record Record, w whose) {
	switch {
	case w == superseded:
		p.tally.Counts.Superseded++
	case !telemetry.IsFrame(record.Value):
		p.tally.quarantine(record.Partition, record.Offset, telemetry.ErrNotFrame)
	case len(record.Key) > 0:
		p.tally.Counts.Foreign++
	default: // a marker, or what a producer leaves at its end
		if _, err := p.topic.Codec.Decode(record.Value); err != nil {
			p.tally.quarantine(record.Partition, record.Offset, err)
		}
	}
}
