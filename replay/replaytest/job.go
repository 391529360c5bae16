// Package replaytest makes every object of a whole job in a store, as
// coordinators and workers leave them, for tests of what reads a store. What a
// job learns is learnt by the real learner; agents and the log are made up.
package replaytest

import (
	"context"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay"
)

// Options say what job is made.
type Options struct {
	Steps int
	// Large cuts collections into extract and assemble shards.
	Large bool
	// Start names the checkpoint that the job goes on from, and its job; nil for
	// a fresh one.
	Start *spec.Start
	// Running leaves the job without an end.
	Running bool
}

const yaml = `
name: example
policy: {kind: mlp, features: 3, hidden: 4}
agent: {url: "http://127.0.0.1:8090/rollouts"}
tasks: {data: tasks.jsonl, groups: 2, rollouts: 2}
optimizer: {kind: adam, learning_rate: 0.1}
grpo: {kl: {coefficient: 0.1}}
eval: {data: tasks.jsonl, tasks: 1}
traces: {partitions: 2}
limits: {shard_rollouts: 2, collect_rollouts: %d}
steps: %d
`

const (
	tasks  = "{\"id\":0}\n{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n"
	folder = 0 // the generation
)

// writer writes the objects of a job.
type writer struct {
	bucket  blob.Bucket
	def     *job.Definition
	entries []*job.Entry
	totals  job.Totals
	results []job.Evaluation
	clock   int
}

// Write makes a job that planned two groups of two rollouts a step, evaluated
// its first and last checkpoints, and ended.
func Write(ctx context.Context, b blob.Bucket, id job.ID, o Options) (*job.Definition, error) {
	collect := 2048
	if o.Large {
		collect = 2
	}
	s, err := spec.Decode("job.yaml", fmt.Appendf(nil, yaml, collect, o.Steps))
	if err != nil {
		return nil, err
	}
	s.Start = o.Start
	set := job.DataSet{Blob: blob.RefOf([]byte(tasks)), Lines: 4}
	w := &writer{bucket: b}
	w.def = &job.Definition{Format: job.DefinitionFormat, ID: id, At: w.now(), Spec: s, Tasks: set, Eval: set}
	if w.def.Training, err = s.TrainingDigest(set.Blob.Digest); err != nil {
		return nil, err
	}
	if _, err := blob.PutContent(ctx, b, id.DataKey(set.Blob.Digest), []byte(tasks)); err != nil {
		return nil, err
	}
	if err := w.put(ctx, id.SpecKey(), w.def); err != nil {
		return nil, err
	}
	l, err := w.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	begun, _ := w.entries[0].NewCheckpoint()
	for n := begun.Step + 1; n <= o.Steps; n++ {
		if err := w.step(ctx, l, n); err != nil {
			return nil, fmt.Errorf("step %d: %w", n, err)
		}
	}
	return w.def, w.finish(ctx, o.Running)
}

func (w *writer) now() time.Time {
	w.clock++
	return time.Date(2026, 1, 2, 3, 4, w.clock, 0, time.UTC)
}

func (w *writer) put(ctx context.Context, key string, record any) error {
	return records.Overwrite(ctx, w.bucket, key, record)
}

func (w *writer) entry(ctx context.Context, e *job.Entry) error {
	e.Format, e.N, e.At, e.Generation = job.EntryFormat, len(w.entries), w.now(), folder
	w.entries = append(w.entries, e)
	return w.put(ctx, w.def.ID.LogKey(e.N), e)
}

// begin makes the first entry, of a learner that is computed as for a replay.
func (w *writer) begin(ctx context.Context) (*learner.Learner, error) {
	e := &job.Entry{Kind: job.KindBegin, Begin: &job.Begin{Numerics: numerics.Version, Topic: "t"}}
	s, err := replay.Begin(ctx, w.bucket, w.def, e)
	if err != nil {
		return nil, err
	}
	m, err := checkpoint.Decode(s.Image.Manifest)
	if err != nil {
		return nil, err
	}
	e.Begin.Marks = w.marks(m.Step + 1)
	if s.Origin != nil {
		e.Begin.Start = s.Origin.String()
	}
	if e.Begin.Checkpoint, err = w.save(ctx, s.Learner, m.Step, m.Parent, m.Batch, nil); err != nil {
		return nil, err
	}
	if err := w.entry(ctx, e); err != nil {
		return nil, err
	}
	return s.Learner, w.evaluate(ctx, e.Begin.Checkpoint)
}

func (w *writer) save(ctx context.Context, l *learner.Learner, step int, parent, batch blob.Digest, places []job.Place) (job.Checkpoint, error) {
	m := replay.Manifest(w.def, l, step, parent, batch)
	c, err := checkpoint.Save(ctx, w.bucket, w.def.ID, job.Folder{Generation: folder, Step: step}, m, l.State(), int(w.def.Spec.Checkpoint.ChunkBytes), places)
	c.Weights = l.WeightsDigest()
	return c, err
}

// last is the newest checkpoint, as plans refer to it.
func (w *writer) last() (job.Checkpoint, job.PolicyRef) {
	n := len(w.entries) - 1
	c, _ := w.entries[n].NewCheckpoint()
	return c, job.PolicyRef{Manifest: c.Manifest, Weights: c.Weights, Entry: n}
}

func (w *writer) step(ctx context.Context, l *learner.Learner, n int) error {
	parent, policy := w.last()
	plan := w.def.PlanRound(job.Unit{Job: w.def.ID, Generation: folder, Step: n}, policy, 0)
	round, err := w.collect(ctx, l, plan, 0)
	if err != nil {
		return err
	}
	rows := job.Settle([]job.Round{round}, w.def.Spec)
	commit := &job.Commit{Batch: replay.BatchOf([]job.Round{round}, rows), Rounds: []job.RoundRef{{}}, Marks: w.marks(n + 1)}
	samples, err := replay.ReadBatch(ctx, w.bucket, w.def.ID, job.Folder{Generation: folder, Step: n}, commit.Batch.Parts, rows)
	if err != nil {
		return err
	}
	metrics, err := l.Step(n, samples.Used)
	if err != nil {
		return err
	}
	commit.Metrics = append(replay.RewardMetrics(rows), metrics...)
	if commit.Ledger, err = w.ledger(ctx, n, plan, rows); err != nil {
		return err
	}
	w.totals = w.totals.Plus(commit.Ledger.Totals)
	commit.Totals = w.totals
	if commit.Checkpoint, err = w.save(ctx, l, n, parent.Manifest, commit.Batch.Digest, parent.Places); err != nil {
		return err
	}
	last := n == w.def.Spec.Steps
	if last {
		commit.Pending = []job.Pending{{Step: n, Policy: job.PolicyRef{Manifest: commit.Checkpoint.Manifest, Weights: commit.Checkpoint.Weights, Entry: len(w.entries)}}}
	}
	if err := w.entry(ctx, &job.Entry{Kind: job.KindCommit, Commit: commit}); err != nil || !last {
		return err
	}
	return w.evaluate(ctx, commit.Checkpoint)
}

func (w *writer) ledger(ctx context.Context, step int, plan *job.Plan, rows []job.Row) (job.LedgerRef, error) {
	files, err := replay.Ledger([]*job.Plan{plan}, rows)
	if err != nil {
		return job.LedgerRef{}, err
	}
	ref := job.LedgerRef{Step: step, Totals: job.Count(rows)}
	for _, file := range files {
		placed, err := w.content(ctx, w.def.ID.StepPrefix(folder, step), file)
		if err != nil {
			return job.LedgerRef{}, err
		}
		ref.Parts = append(ref.Parts, placed)
	}
	return ref, nil
}

func (w *writer) content(ctx context.Context, prefix string, body []byte) (blob.Ref, error) {
	ref := blob.RefOf(body)
	_, err := blob.PutContent(ctx, w.bucket, prefix+string(ref.Digest), body)
	return ref, err
}

// finish writes the end and the hint.
func (w *writer) finish(ctx context.Context, running bool) error {
	c, _ := w.last()
	head := &job.Head{
		Format: job.HeadFormat, Entry: len(w.entries) - 1, Stage: job.StageRollouts, Step: c.Step, Steps: w.def.Spec.Steps,
		Checkpoint: c.Manifest, Totals: w.totals, Evaluations: w.results, At: w.now(),
	}
	if running {
		if err := w.put(ctx, w.def.ID.ActiveKey(), struct {
			Format string    `json:"format"`
			Job    job.ID    `json:"job"`
			At     time.Time `json:"at"`
		}{"cohort.active/1", w.def.ID, w.def.At}); err != nil {
			return err
		}
		return w.put(ctx, w.def.ID.HeadKey(), head)
	}
	head.Entry, head.Stage, head.End = len(w.entries), job.StageEnded, &job.End{Verdict: job.Done, Evaluations: w.results}
	if err := w.entry(ctx, &job.Entry{Kind: job.KindEnd, End: head.End}); err != nil {
		return err
	}
	return w.put(ctx, w.def.ID.HeadKey(), head)
}
