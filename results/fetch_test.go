package results_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/policy/safetensors"
	"github.com/cohort-rl/cohort/results"
	"github.com/cohort-rl/cohort/results/resultstest"
)

func write(t *testing.T, end *job.End) (*mem.Bucket, resultstest.Job) {
	t.Helper()
	b := mem.New()
	j, err := resultstest.Write(t.Context(), b, "example-1", end)
	if err != nil {
		t.Fatal(err)
	}
	return b, j
}

func request(t *testing.T) results.Request {
	t.Helper()
	return results.Request{Job: "example-1", Dir: filepath.Join(t.TempDir(), "a", "out"), Step: results.Newest}
}

func read(t *testing.T, parts ...string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// lines decodes a JSON Lines file.
func lines[T any](t *testing.T, body []byte) []T {
	t.Helper()
	var all []T
	for line := range bytes.Lines(body) {
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, v)
	}
	return all
}

func names(r results.Report) []string {
	var all []string
	for _, f := range r.Files {
		all = append(all, f.Name)
	}
	return all
}

func TestFetchedPolicyIsThatOfTheNewestCheckpoint(t *testing.T) {
	t.Parallel()
	b, j := write(t, nil)
	r := request(t)
	report, err := results.Fetch(t.Context(), b, r)
	if err != nil {
		t.Fatal(err)
	}
	newest := j.Checkpoints[resultstest.Steps]
	if report.Step != resultstest.Steps || report.Steps != resultstest.Steps || report.Checkpoint != newest.Manifest {
		t.Errorf("report is %+v, want checkpoint %s", report, newest.Manifest)
	}
	if got := blob.DigestOf(read(t, r.Dir, "manifest.json")); got != newest.Manifest {
		t.Errorf("manifest.json has the hash %s, want the checkpoint's id %s", got, newest.Manifest)
	}
	tensors, metadata, err := safetensors.Read(bytes.NewReader(read(t, r.Dir, "policy.safetensors")), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	_, want, err := checkpoint.LoadWeights(t.Context(), b, "example-1", newest)
	if err != nil {
		t.Fatal(err)
	}
	for i, tensor := range tensors {
		if tensor.Name != want[i].Name || !slices.Equal(tensor.Data, want[i].F32) {
			t.Errorf("tensor %d is %+v, want %+v", i, tensor, want[i])
		}
	}
	for key, value := range map[string]string{"checkpoint": string(newest.Manifest), "step": "3", "kind": "mlp", "numerics": "cohort-1"} {
		if metadata[key] != value {
			t.Errorf("metadata has %s %q, want %q", key, metadata[key], value)
		}
	}
	if s, err := spec.Decode("spec.yaml", read(t, r.Dir, "spec.yaml")); err != nil || spec.FirstDifference(s, j.Definition.Spec) != "" {
		t.Errorf("spec.yaml: %v, differs in %q", err, spec.FirstDifference(s, j.Definition.Spec))
	}
	if svg := string(read(t, r.Dir, "curve.svg")); !strings.Contains(svg, "</svg>") || !strings.Contains(svg, "evaluation") {
		t.Errorf("curve.svg is %.200s", svg)
	}
}

func TestTablesHoldEveryStepAndEveryRollout(t *testing.T) {
	t.Parallel()
	end := &job.End{Verdict: job.Cancelled, Reason: "enough"}
	b, j := write(t, end)
	end.Evaluations = nil
	r := request(t)
	report, err := results.Fetch(t.Context(), b, r)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"curve.svg", "evaluations.jsonl", "ledger.parquet", "manifest.json", "metrics.jsonl", "policy.safetensors", "spec.yaml"}
	if got := names(report); !slices.Equal(got, want) {
		t.Errorf("files are %v, want %v", got, want)
	}
	steps := lines[results.Step](t, read(t, r.Dir, "metrics.jsonl"))
	if len(steps) != resultstest.Steps {
		t.Fatalf("%d lines of metrics, want one a step", len(steps))
	}
	for i, s := range steps {
		want := job.Totals{Planned: 4, Used: 2, Dropped: 1, Failed: 1}
		if s.Step != i+1 || s.Checkpoint != j.Checkpoints[i+1].Manifest || s.Rollouts != want || s.Totals.Planned != 4*(i+1) || s.Metrics["reward"] != float64(i+1)/4 {
			t.Errorf("line %d is %+v", i, s)
		}
	}
	rows, err := batch.ReadLedger(read(t, r.Dir, "ledger.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	totals := job.Totals{Planned: 16, Used: 6, Dropped: 7, Failed: 3} // the last four were cut off
	if got := batch.Totals(rows); got != totals || report.Totals != totals {
		t.Errorf("ledger has %+v, report %+v, want %+v", got, report.Totals, totals)
	}
	for i, row := range rows {
		if row.Step != int64(1+i/resultstest.Planned) {
			t.Errorf("row %d is of step %d", i, row.Step)
		}
	}
	evaluations := lines[job.Evaluation](t, read(t, r.Dir, "evaluations.jsonl"))
	if len(evaluations) != 2 || evaluations[0].Step != 0 || evaluations[1].Step != 2 || evaluations[1].Mean != 0.75 {
		t.Errorf("evaluations are %+v", evaluations)
	}
	if report.End == nil || report.End.Reason != "enough" {
		t.Errorf("the end is %+v", report.End)
	}
}

func TestEvaluationWithoutResultIsToldByTheEnd(t *testing.T) {
	t.Parallel()
	b, _ := write(t, &job.End{Verdict: job.Done, Evaluations: []job.Evaluation{{Step: 3, Manifest: blob.DigestOf([]byte("3")), Incomplete: "the job ended before"}}})
	r := request(t)
	if _, err := results.Fetch(t.Context(), b, r); err != nil {
		t.Fatal(err)
	}
	evaluations := lines[job.Evaluation](t, read(t, r.Dir, "evaluations.jsonl"))
	if len(evaluations) != 3 || evaluations[2].Incomplete == "" {
		t.Errorf("evaluations are %+v", evaluations)
	}
}

func TestStepPicksTheCheckpoint(t *testing.T) {
	t.Parallel()
	b, j := write(t, nil)
	r := request(t)
	r.Step = 0
	report, err := results.Fetch(t.Context(), b, r)
	if err != nil || report.Step != 0 || report.Checkpoint != j.Checkpoints[0].Manifest || report.Steps != resultstest.Steps {
		t.Errorf("step 0: %+v, %v", report, err)
	}
	r = request(t)
	r.Step = 9
	if _, err := results.Fetch(t.Context(), b, r); !errors.Is(err, results.ErrNoStep) || !strings.Contains(err.Error(), "0 to 3") {
		t.Errorf("step 9: %v", err)
	}
}

func TestBatchesAreFetchedOnRequest(t *testing.T) {
	t.Parallel()
	b, _ := write(t, nil)
	r := request(t)
	r.Batches = true
	if _, err := results.Fetch(t.Context(), b, r); err != nil {
		t.Fatal(err)
	}
	for step, name := range []string{"step-000001.0.0.parquet", "step-000002.0.0.parquet", "step-000003.0.0.parquet"} {
		if got := string(read(t, r.Dir, "batches", name)); !strings.HasSuffix(got, string(rune('1'+step))) {
			t.Errorf("%s holds %q", name, got)
		}
	}
}

func TestWhatHasNothingToShowIsNamed(t *testing.T) {
	t.Parallel()
	b, _ := write(t, nil)
	r := request(t)
	r.Job = "other"
	if _, err := results.Fetch(t.Context(), b, r); !errors.Is(err, results.ErrUnknownJob) {
		t.Errorf("unknown job: %v", err)
	}
	for n := range resultstest.Steps + 1 {
		if err := b.Delete(t.Context(), job.ID("example-1").LogKey(n)); err != nil {
			t.Fatal(err)
		}
	}
	r.Job = "example-1"
	if _, err := results.Fetch(t.Context(), b, r); !errors.Is(err, results.ErrNotBegun) {
		t.Errorf("empty log: %v", err)
	}
	if _, err := os.Stat(r.Dir); err == nil {
		t.Error("a folder was made")
	}
}
