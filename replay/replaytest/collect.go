package replaytest

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
)

// candidates is how many choices every decision has.
const candidates = 3

func (w *writer) marks(step int) []job.Mark {
	marks := make([]job.Mark, w.def.Spec.Traces.Partitions)
	for p := range marks {
		marks[p] = job.Mark{Partition: p, Offset: int64(10 * step), Nonce: fmt.Sprintf("%032x", 100*step+p)}
	}
	return marks
}

// collect writes the records of a collection from its plan to its end.
func (w *writer) collect(ctx context.Context, l *learner.Learner, plan *job.Plan, e int) (job.Round, error) {
	u := plan.Unit
	if err := w.put(ctx, u.PlanKey(), plan); err != nil {
		return job.Round{}, err
	}
	ranges := &job.Ranges{Format: job.RangesFormat}
	for p, opening := range w.marks(u.Step) {
		ranges.Ranges = append(ranges.Ranges, job.Range{Opening: opening, Closing: w.marks(u.Step + 1)[p]})
	}
	if u.Eval != "" {
		if err := w.put(ctx, u.OpenedKey(e), &job.Opened{Format: job.OpenedFormat, Marks: w.marks(u.Step)}); err != nil {
			return job.Round{}, err
		}
	}
	for i := range plan.Shards(job.Rollout) {
		s := job.Shard{Unit: u, Collection: e, Phase: job.Rollout, Index: i}
		record := &job.RolloutRecord{Format: job.RolloutFormat, Done: w.done(s)}
		from, to := plan.Span(job.Rollout, i)
		for at := from; at < to; at++ {
			g, r := plan.At(at)
			record.Executions = append(record.Executions, job.Execution{Group: g, Rollout: r, Nonce: nonce(u, g, r), Events: 3, Executions: 1})
		}
		if err := w.put(ctx, s.SettledKey(), record); err != nil {
			return job.Round{}, err
		}
		object, err := w.bucket.Get(ctx, s.SettledKey())
		if err != nil {
			return job.Round{}, err
		}
		ranges.Settled = append(ranges.Settled, blob.DigestOf(object.Body))
	}
	if err := w.put(ctx, u.RangesKey(e), ranges); err != nil {
		return job.Round{}, err
	}
	round := job.Round{Plan: plan, Collection: e}
	phases := plan.CollectPhases()
	if len(phases) > 1 {
		if err := w.extract(ctx, plan, e); err != nil {
			return job.Round{}, err
		}
	}
	phase := phases[len(phases)-1]
	for i := range plan.Shards(phase) {
		s := job.Shard{Unit: u, Collection: e, Phase: phase, Index: i}
		record, err := w.outcomes(ctx, l, plan, s)
		if err != nil {
			return job.Round{}, err
		}
		if err := w.put(ctx, s.SettledKey(), record); err != nil {
			return job.Round{}, err
		}
		round.Collects = append(round.Collects, record)
	}
	return round, nil
}

func (w *writer) done(s job.Shard) job.Settlement {
	return job.Settlement{Shard: s.String(), Worker: "w", Drive: 1, At: w.now()}
}

func nonce(u job.Unit, group, rollout int) string {
	return fmt.Sprintf("%032x", 10000*u.Step+100*group+rollout)
}

// extract writes the records of the extract shards, and a part for every
// assemble shard.
func (w *writer) extract(ctx context.Context, plan *job.Plan, e int) error {
	for p := range plan.Shards(job.Extract) {
		s := job.Shard{Unit: plan.Unit, Collection: e, Phase: job.Extract, Index: p}
		record := &job.ExtractRecord{Format: job.ExtractFormat, Done: w.done(s)}
		for a := range plan.Shards(job.Assemble) {
			part, err := w.content(ctx, plan.Unit.BlobPrefix(), fmt.Appendf(nil, "CHXP part of %s for %d", s, a))
			if err != nil {
				return err
			}
			record.Buckets = append(record.Buckets, job.Bucket{Assemble: a, Blob: part})
		}
		if err := w.put(ctx, s.SettledKey(), record); err != nil {
			return err
		}
	}
	return nil
}

// outcomes is the record of a collect or assemble shard. Every rollout but the
// last has a sample; that one failed.
func (w *writer) outcomes(ctx context.Context, l *learner.Learner, plan *job.Plan, s job.Shard) (*job.CollectRecord, error) {
	record := &job.CollectRecord{Format: job.CollectFormat, Done: w.done(s)}
	var samples []batch.Sample
	from, to := plan.Span(s.Phase, s.Index)
	for at := from; at < to; at++ {
		g, r := plan.At(at)
		o := job.Outcome{Group: g, Rollout: r, Nonce: nonce(plan.Unit, g, r), Events: 3, Decisions: 2}
		if at == plan.Planned()-1 && plan.Unit.Eval == "" && plan.Unit.Step%2 == 0 {
			o.Reason, o.Detail = job.AgentTimeout, "no answer within 30s"
			record.Outcomes = append(record.Outcomes, o)
			continue
		}
		sample := w.sample(l, plan, g, r)
		o.Reward, o.Sample = &sample.Reward, sample.Digest()
		samples = append(samples, sample)
		record.Outcomes = append(record.Outcomes, o)
	}
	if plan.Unit.Eval != "" {
		return record, nil
	}
	files, err := batch.Write(plan.Unit.Step, plan.Unit.Round, samples)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		part, err := w.content(ctx, plan.Unit.BlobPrefix(), file)
		if err != nil {
			return nil, err
		}
		record.Parts = append(record.Parts, part)
	}
	return record, nil
}

// sample is what a rollout teaches: two decisions among random candidates.
func (w *writer) sample(l *learner.Learner, plan *job.Plan, group, rollout int) batch.Sample {
	luck := numerics.NewStream(plan.Unit.RolloutSeed(w.def.Spec.Seed, group, rollout), 1)
	s := batch.Sample{
		Group: group, Rollout: rollout, Task: plan.Tasks[group-plan.First], Reward: float64((group + rollout) % 2), Policy: l.WeightsDigest(),
		Choices: policy.Choices{Width: w.def.Spec.Policy.Features, Offsets: []int{0}},
	}
	for d := 1; d <= 2; d++ {
		for range candidates * s.Choices.Width {
			s.Choices.Features = append(s.Choices.Features, float32(luck.Float64())-0.5)
		}
		s.Choices.Offsets = append(s.Choices.Offsets, d*candidates)
		s.Choices.Chosen = append(s.Choices.Chosen, int32(luck.IntN(candidates))) //nolint:gosec // three at most
		s.LogProbs = append(s.LogProbs, -1.0986123)
	}
	return s
}

// evaluate writes an evaluation and its result.
func (w *writer) evaluate(ctx context.Context, c job.Checkpoint) error {
	policy := job.PolicyRef{Manifest: c.Manifest, Weights: c.Weights, Entry: len(w.entries) - 1}
	u := job.Unit{Job: w.def.ID, Step: c.Step, Eval: c.Manifest}
	l, err := learner.New(w.def.Spec)
	if err != nil {
		return err
	}
	round, err := w.collect(ctx, l, w.def.PlanEvaluation(u, policy), 0)
	if err != nil {
		return err
	}
	result := job.Evaluation{Step: c.Step, Manifest: c.Manifest}
	for _, o := range round.Outcomes() {
		result.Totals.Add(o.Reason)
		result.Mean += *o.Reward
		result.Scored++
	}
	result.Mean /= float64(result.Scored)
	w.results = append(w.results, result)
	return w.put(ctx, u.ResultKey(), struct {
		Format string `json:"format"`
		job.Evaluation
	}{job.ResultFormat, result})
}
