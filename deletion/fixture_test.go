package deletion_test

import (
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/submission"
)

const yaml = `name: sums
steps: 1
policy: {kind: linear, features: 2}
agent: {url: "http://127.0.0.1:7000/rollouts"}
tasks: {data: train.jsonl, groups: 2}
optimizer: {learning_rate: 0.5}
`

func request(tb testing.TB, id job.ID, key string, change ...func(*spec.Spec)) submission.Request {
	tb.Helper()
	s, err := spec.Decode("job.yaml", []byte(yaml))
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range change {
		c(s)
	}
	return submission.Request{
		Key: key, Spec: s, ID: id, At: time.Unix(1_700_000_000, 0),
		Files: map[string][]byte{spec.RoleTasks: []byte("{\"n\":1}\n{\"n\":2}\n")},
	}
}

func submit(tb testing.TB, b blob.Bucket, id job.ID, key string, change ...func(*spec.Spec)) {
	tb.Helper()
	if _, _, err := submission.Submit(tb.Context(), b, request(tb, id, key, change...)); err != nil {
		tb.Fatal(err)
	}
}

func put(tb testing.TB, b blob.Bucket, key string, v any) {
	tb.Helper()
	if err := records.Overwrite(tb.Context(), b, key, v); err != nil {
		tb.Fatal(err)
	}
}

// train begins a job and commits its step, as its driver does. Jobs of equal
// specs have equal checkpoints.
func train(tb testing.TB, b blob.Bucket, id job.ID) {
	tb.Helper()
	def, _, err := records.Read[job.Definition](tb.Context(), b, id.SpecKey(), job.DefinitionFormat)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := learner.New(def.Spec)
	if err != nil {
		tb.Fatal(err)
	}
	for step := range 2 {
		m := &checkpoint.Manifest{Training: def.Training, Numerics: numerics.Version, Step: step, Shape: l.Shape(), Optimizer: checkpoint.Optimizer{Kind: "adam"}}
		c, err := checkpoint.Save(tb.Context(), b, id, job.Folder{Step: step}, m, l.State(), 64, nil)
		if err != nil {
			tb.Fatal(err)
		}
		e := job.Entry{Format: job.EntryFormat, N: step, Kind: job.KindBegin, Begin: &job.Begin{Numerics: numerics.Version, Checkpoint: c}}
		if step > 0 {
			e.Kind, e.Begin, e.Commit = job.KindCommit, nil, &job.Commit{Checkpoint: c}
		}
		put(tb, b, id.LogKey(step), e)
	}
	put(tb, b, job.Unit{Job: id, Eval: "ab"}.PlanKey(), job.Plan{Format: job.PlanFormat})
	put(tb, b, id.ControlKey(0), job.Control{Format: job.ControlFormat, Action: job.ActionCancel})
	put(tb, b, id.HeadKey(), job.Head{Format: job.HeadFormat, Entry: 1})
	if _, err := blob.Quarantine(tb.Context(), b, id.LogKey(1), []byte("corrupt")); err != nil {
		tb.Fatal(err)
	}
}

// finish puts the end, and the hint of it. The job is still active.
func finish(tb testing.TB, b blob.Bucket, id job.ID) {
	tb.Helper()
	end := &job.End{Verdict: job.Done}
	put(tb, b, id.LogKey(2), job.Entry{Format: job.EntryFormat, N: 2, Kind: job.KindEnd, End: end})
	put(tb, b, id.HeadKey(), job.Head{Format: job.HeadFormat, Entry: 1, Stage: job.StageEnded, End: end})
}

// ended leaves a job as it is after its end.
func ended(tb testing.TB, b blob.Bucket, id job.ID, key string, change ...func(*spec.Spec)) {
	tb.Helper()
	submit(tb, b, id, key, change...)
	train(tb, b, id)
	finish(tb, b, id)
	if err := b.Delete(tb.Context(), id.ActiveKey()); err != nil {
		tb.Fatal(err)
	}
}

func newest(tb testing.TB, b blob.Bucket, id job.ID) job.Checkpoint {
	tb.Helper()
	e, err := checkpoint.ReadEntry(tb.Context(), b, id, 1)
	if err != nil {
		tb.Fatal(err)
	}
	return e.Commit.Checkpoint
}

func manifestOf(tb testing.TB, b blob.Bucket, id job.ID) string {
	tb.Helper()
	return string(newest(tb, b, id).Manifest)
}

func load(tb testing.TB, b blob.Bucket, id job.ID) (*checkpoint.Manifest, *checkpoint.State, error) {
	tb.Helper()
	return checkpoint.Load(tb.Context(), b, id, newest(tb, b, id))
}

// keys are those of everything in the bucket, in order.
func keys(tb testing.TB, b blob.Bucket) []string {
	tb.Helper()
	var all []string
	for info, err := range b.List(tb.Context(), "", "") {
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, info.Key)
	}
	return all
}
