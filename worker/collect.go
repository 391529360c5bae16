package worker

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/traces"
)

// lookups is how many records or blobs are moved at once.
const lookups = 16

// collect extracts and assembles a small unit in one shard.
func (h *hand) collect(ctx context.Context) (blob.Digest, error) {
	if h.plan.Offline {
		return h.draw(ctx)
	}
	ranges, c, err := h.collection(ctx)
	if err != nil {
		return "", err
	}
	parts, found, err := h.topic().ExtractAll(ctx, c, ranges.Ranges)
	if err != nil {
		return "", err
	}
	if len(found.Losses) > 0 {
		return h.lost(ctx, found.Losses, found.Tally)
	}
	return h.score(ctx, c, 0, h.plan.Planned(), parts, found.Tally)
}

// extract reads one partition of a large unit once, and stores what it finds
// for each assemble shard.
func (h *hand) extract(ctx context.Context) (blob.Digest, error) {
	ranges, c, err := h.collection(ctx)
	if err != nil {
		return "", err
	}
	record := &job.ExtractRecord{Format: job.ExtractFormat}
	found, err := h.topic().Extract(ctx, c, ranges.Ranges[h.task.Shard.Index], func(ctx context.Context, shard int, part []byte) error {
		ref, err := h.keep(ctx, part)
		record.Buckets = append(record.Buckets, job.Bucket{Assemble: shard, Blob: ref})
		return err
	})
	if err != nil {
		return "", err
	}
	if record.Losses = found.Losses; len(found.Losses) > 0 {
		record.Buckets = nil
	}
	record.Counts, record.Quarantine = found.Counts, found.Quarantine
	h.done.At = h.Clock.Now().UTC()
	record.Done = h.done
	return settle(ctx, h, job.ExtractFormat, record)
}

// assemble joins what all extract shards found for this shard's groups.
func (h *hand) assemble(ctx context.Context) (blob.Digest, error) {
	_, c, err := h.collection(ctx)
	if err != nil {
		return "", err
	}
	s := h.task.Shard
	s.Phase = job.Extract
	var refs []blob.Ref
	for s.Index = range h.plan.Shards(job.Extract) {
		r, _, err := records.Read[job.ExtractRecord](ctx, h.store, s.SettledKey(), job.ExtractFormat)
		if err != nil {
			return "", err
		}
		for _, b := range r.Buckets {
			if b.Assemble == h.task.Shard.Index {
				refs = append(refs, b.Blob)
			}
		}
	}
	parts := make([][]byte, len(refs))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for i, ref := range refs {
		g.Go(func() (err error) {
			parts[i], err = blob.GetContent(gctx, h.store, h.plan.Unit.BlobPrefix()+string(ref.Digest), ref.Digest)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	from, to := h.plan.Span(job.Assemble, h.task.Shard.Index)
	return h.score(ctx, c, from, to, parts, traces.Tally{})
}

// collection reads what the shard's frames are judged by: the ranges, and the
// executions that count. The rollout records must be the very ones that the
// ranges name.
func (h *hand) collection(ctx context.Context) (*job.Ranges, traces.Collection, error) {
	s := h.task.Shard
	c := traces.Collection{Plan: h.plan}
	ranges, _, err := records.Read[job.Ranges](ctx, h.store, s.Unit.RangesKey(s.Collection), job.RangesFormat)
	if err != nil {
		return nil, c, err
	}
	n := h.plan.Shards(job.Rollout)
	if len(ranges.Ranges) != h.plan.Layout.Partitions || len(ranges.Settled) != n {
		return nil, c, fmt.Errorf("read %s: %d ranges and %d rollout records, the plan has %d and %d",
			s.Unit.RangesKey(s.Collection), len(ranges.Ranges), len(ranges.Settled), h.plan.Layout.Partitions, n)
	}
	settled := make([]*job.RolloutRecord, n)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for i := range settled {
		g.Go(func() error {
			shard := job.Shard{Unit: s.Unit, Collection: s.Collection, Phase: job.Rollout, Index: i}
			r, digest, err := records.Read[job.RolloutRecord](gctx, h.store, shard.SettledKey(), job.RolloutFormat)
			if err == nil && digest != ranges.Settled[i] {
				err = fmt.Errorf("read %s: it is not the record that the ranges name", shard.SettledKey())
			}
			settled[i] = r
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, c, err
	}
	for _, r := range settled {
		c.Executions = append(c.Executions, r.Executions...)
	}
	return ranges, c, nil
}

func (h *hand) topic() traces.Topic {
	return traces.Topic{Log: h.Log, Codec: h.Codec, Name: h.job.begin.Topic}
}

// score assembles and scores rollouts [from, to), stores their samples and
// settles the shard.
func (h *hand) score(ctx context.Context, c traces.Collection, from, to int, parts [][]byte, tally traces.Tally) (blob.Digest, error) {
	spec := h.job.def.Spec
	assembled, err := traces.Assemble(h.Codec, traces.Assembly{
		Collection: c, From: from, To: to, Features: spec.Policy.Features,
		Spent: func(group, rollout int) bool {
			return c.Executions[h.plan.Index(group, rollout)].Attempts+1 >= spec.Agent.Attempts
		},
		Last: h.task.Shard.Collection+1 >= job.MaxCollections,
	}, parts)
	if err != nil {
		return "", err
	}
	tally.Add(assembled.Tally)
	if len(assembled.Losses) > 0 {
		return h.lost(ctx, assembled.Losses, tally)
	}
	judge, err := h.judge(ctx)
	if err != nil {
		return "", err
	}
	samples, outcomes, err := judge.Collect(ctx, assembled)
	if err != nil {
		return "", err
	}
	record := &job.CollectRecord{Format: job.CollectFormat, Outcomes: outcomes, Counts: tally.Counts, Quarantine: tally.Quarantine}
	return h.collected(ctx, record, samples)
}

// collected settles the shard with the record, and with the samples as its
// parts, unless it belongs to an evaluation: nobody learns from one.
func (h *hand) collected(ctx context.Context, record *job.CollectRecord, samples []batch.Sample) (blob.Digest, error) {
	if h.plan.Unit.Eval == "" {
		files, err := batch.Write(h.plan.Unit.Step, h.plan.Unit.Round, samples)
		if err != nil {
			return "", err
		}
		for _, file := range files {
			ref, err := h.keep(ctx, file)
			if err != nil {
				return "", err
			}
			record.Parts = append(record.Parts, ref)
		}
	}
	h.done.At = h.Clock.Now().UTC()
	record.Done = h.done
	return settle(ctx, h, job.CollectFormat, record)
}

// lost settles the shard as one whose events the log has lost.
func (h *hand) lost(ctx context.Context, losses []job.Loss, tally traces.Tally) (blob.Digest, error) {
	h.log.Warn("The log has lost events.", "losses", len(losses), "first", losses[0].String())
	h.done.At = h.Clock.Now().UTC()
	return settle(ctx, h, job.CollectFormat, &job.CollectRecord{
		Format: job.CollectFormat, Done: h.done, Losses: losses, Counts: tally.Counts, Quarantine: tally.Quarantine,
	})
}

// keep stores a blob of the unit.
func (h *hand) keep(ctx context.Context, body []byte) (blob.Ref, error) {
	ref := blob.RefOf(body)
	if _, err := blob.PutContent(ctx, h.store, h.task.Shard.Unit.BlobPrefix()+string(ref.Digest), body); err != nil {
		return blob.Ref{}, err
	}
	return ref, nil
}
