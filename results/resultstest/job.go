// Package resultstest makes the objects of a job in a store, as a coordinator
// leaves them, for tests that read them.
package resultstest

import (
	"context"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/records"
)

// Steps is how many steps Write commits, and Planned how many rollouts each plans.
const (
	Steps   = 3
	Planned = 4
)

const yaml = `
name: example
steps: 3
policy: {kind: mlp, features: 3, hidden: 4}
agent: {url: "http://127.0.0.1:8090/rollouts"}
tasks: {data: tasks.jsonl, groups: 2, rollouts: 2}
optimizer: {learning_rate: 0.1}
eval: {data: tasks.jsonl, every: 2}
`

// A Job is what Write left in the store.
type Job struct {
	Definition  *job.Definition
	Checkpoints []job.Checkpoint // of steps 0 to Steps
}

// writer writes the objects of a job; entries are numbered in their order.
type writer struct {
	bucket  blob.Bucket
	def     *job.Definition
	entries int
	totals  job.Totals
	written Job
}

// Write makes a job of three steps with two groups of two rollouts each. In
// every step one group is used, and of the other a rollout failed and one is
// left alone. Checkpoints 0 and 2 are evaluated. Unless end is nil, it is the
// last entry of the log, with a ledger of a step that was cut off.
func Write(ctx context.Context, b blob.Bucket, id job.ID, end *job.End) (Job, error) {
	s, err := spec.Decode("job.yaml", []byte(yaml))
	if err != nil {
		return Job{}, err
	}
	tasks := job.DataSet{Blob: blob.RefOf([]byte("{}\n{}\n{}\n{}\n")), Lines: 4}
	def := &job.Definition{Format: job.DefinitionFormat, ID: id, At: at(0), Spec: s, Tasks: tasks, Eval: tasks}
	if def.Training, err = s.TrainingDigest(tasks.Blob.Digest); err != nil {
		return Job{}, err
	}
	w := &writer{bucket: b, def: def, written: Job{Definition: def}}
	if err := records.Overwrite(ctx, b, id.SpecKey(), *def); err != nil {
		return Job{}, err
	}
	l, err := learner.New(s)
	if err != nil {
		return Job{}, err
	}
	for step := range Steps + 1 {
		if err := w.step(ctx, l, step); err != nil {
			return Job{}, fmt.Errorf("step %d: %w", step, err)
		}
	}
	if end != nil {
		cut, err := w.ledger(ctx, Steps+1, job.JobEnded)
		if err != nil {
			return Job{}, err
		}
		end.Ledgers = append(end.Ledgers, cut)
		if err := w.entry(ctx, job.Entry{Kind: job.KindEnd, End: end}); err != nil {
			return Job{}, err
		}
	}
	return w.written, nil
}

func at(n int) time.Time { return time.Date(2026, 1, 2, 3, 4, n, 0, time.UTC) }

func (w *writer) entry(ctx context.Context, e job.Entry) error {
	e.Format, e.N, e.At = job.EntryFormat, w.entries, at(w.entries)
	w.entries++
	return records.Overwrite(ctx, w.bucket, w.def.ID.LogKey(e.N), e)
}

func (w *writer) step(ctx context.Context, l *learner.Learner, step int) error {
	weights := l.State().Weights
	weights[0].F32[0] = float32(step)
	m := &checkpoint.Manifest{Training: w.def.Training, Numerics: numerics.Version, Step: step, Shape: l.Shape(), Optimizer: checkpoint.Optimizer{Kind: "adam"}}
	c, err := checkpoint.Save(ctx, w.bucket, w.def.ID, job.Folder{Step: step}, m, l.State(), 16, nil)
	if err != nil {
		return err
	}
	c.Weights = l.WeightsDigest()
	w.written.Checkpoints = append(w.written.Checkpoints, c)
	e := job.Entry{Kind: job.KindBegin, Begin: &job.Begin{Numerics: numerics.Version, Checkpoint: c}}
	if step > 0 {
		if e, err = w.commit(ctx, step, c); err != nil {
			return err
		}
	}
	if step%2 == 0 {
		if err := w.evaluate(ctx, step, c); err != nil {
			return err
		}
	}
	return w.entry(ctx, e)
}

func (w *writer) commit(ctx context.Context, step int, c job.Checkpoint) (job.Entry, error) {
	ledger, err := w.ledger(ctx, step, "")
	if err != nil {
		return job.Entry{}, err
	}
	w.totals = w.totals.Plus(ledger.Totals)
	part := []byte(fmt.Sprintf("samples of step %d", step))
	if _, err := blob.PutContent(ctx, w.bucket, w.def.ID.StepPrefix(0, step)+string(blob.DigestOf(part)), part); err != nil {
		return job.Entry{}, err
	}
	commit := &job.Commit{
		Checkpoint: c, Ledger: ledger, Totals: w.totals, Rounds: []job.RoundRef{{}},
		Batch:   job.BatchRef{Digest: blob.DigestOf(part), Parts: []job.BatchPart{{Blob: blob.RefOf(part)}}},
		Metrics: []job.Metric{{Name: "reward", Value: float64(step) / 4}, {Name: "loss", Value: -0.5}},
	}
	if step%2 == 0 || step == Steps {
		commit.Pending = []job.Pending{{Step: step, Policy: job.PolicyRef{Manifest: c.Manifest}}}
	}
	return job.Entry{Kind: job.KindCommit, Commit: commit}, nil
}

// ledger stores the rows of a step; all have the reason cut, unless it is empty.
func (w *writer) ledger(ctx context.Context, step int, cut job.Reason) (job.LedgerRef, error) {
	plan := w.def.PlanRound(job.Unit{Job: w.def.ID, Step: step}, job.PolicyRef{Weights: blob.DigestOf(nil)}, 0)
	one := 1.0
	rows := make([]job.Row, plan.Planned())
	for i := range rows {
		g, r := plan.At(i)
		rows[i] = job.Row{Unit: plan.Unit, Task: plan.Tasks[g], Outcome: job.Outcome{Group: g, Rollout: r, Reason: cut}}
		o := &rows[i].Outcome
		switch {
		case cut != "":
		case g == 0:
			o.Reward, o.Sample, o.Nonce = &one, blob.DigestOf([]byte{byte(i)}), fmt.Sprintf("%032x", i)
		case r == 0:
			o.Reason, o.Detail = job.AgentTimeout, "no answer within 30s"
		default:
			o.Reason = job.GroupTooSmall
		}
	}
	ledger, err := batch.Ledger([]*job.Plan{plan}, rows)
	if err != nil {
		return job.LedgerRef{}, err
	}
	files, err := batch.WriteLedger(ledger)
	if err != nil {
		return job.LedgerRef{}, err
	}
	ref := job.LedgerRef{Step: step, Totals: job.Count(rows)}
	for _, file := range files {
		if _, err := blob.PutContent(ctx, w.bucket, w.def.ID.StepPrefix(0, step)+string(blob.DigestOf(file)), file); err != nil {
			return job.LedgerRef{}, err
		}
		ref.Parts = append(ref.Parts, blob.RefOf(file))
	}
	return ref, nil
}

func (w *writer) evaluate(ctx context.Context, step int, c job.Checkpoint) error {
	u := job.Unit{Job: w.def.ID, Step: step, Eval: c.Manifest}
	return records.Overwrite(ctx, w.bucket, u.ResultKey(), struct {
		Format string `json:"format"`
		job.Evaluation
	}{job.ResultFormat, job.Evaluation{
		Step: step, Manifest: c.Manifest, Mean: 0.25 * float64(1+step), Scored: 4, Totals: job.Totals{Planned: 4, Used: 4},
	}})
}
