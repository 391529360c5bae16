package checkpoint_test

import (
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/records"
)

// small is a chunk size that cuts the tensors of these tests into pieces.
const small = 24

// stateOf is a state whose weights depend on seed.
func stateOf(seed float32) *checkpoint.State {
	weights, moments := make([]float32, 12), make([]float32, 12)
	for i := range weights {
		weights[i], moments[i] = seed+float32(i), -seed*float32(i+1)
	}
	return &checkpoint.State{
		Weights:   []checkpoint.Array{{Name: "w", Shape: []int{3, 4}, F32: weights}},
		Reference: []checkpoint.Array{{Name: "w", Shape: []int{3, 4}, F32: []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}},
		Optimizer: []checkpoint.Array{
			{Name: "m", Shape: []int{12}, F32: moments},
			{Name: "d", Shape: []int{2}, F64: []float64{float64(seed), -0.5}},
		},
	}
}

func manifestOf(step int) *checkpoint.Manifest {
	return &checkpoint.Manifest{
		Training: blob.DigestOf([]byte("training")), Numerics: "n", Step: step,
		Shape: policy.Shape{Kind: policy.Linear, Features: 12}, Optimizer: checkpoint.Optimizer{Kind: "adam", Updates: step},
	}
}

// save stores a checkpoint of a step in the step's folder.
func save(t *testing.T, b blob.Bucket, id job.ID, step int, state *checkpoint.State, parent []job.Place) job.Checkpoint {
	t.Helper()
	c, err := checkpoint.Save(t.Context(), b, id, job.Folder{Step: step}, manifestOf(step), state, small, parent)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// commit appends an entry to the log: a begin as the first, then commits.
func commit(t *testing.T, b blob.Bucket, id job.ID, n int, c job.Checkpoint) {
	t.Helper()
	e := &job.Entry{Format: job.EntryFormat, N: n, Kind: job.KindCommit, Commit: &job.Commit{Checkpoint: c}}
	if n == 0 {
		e.Kind, e.Begin, e.Commit = job.KindBegin, &job.Begin{Checkpoint: c}, nil
	}
	if _, _, err := records.Adopt(t.Context(), b, id.LogKey(n), job.EntryFormat, e); err != nil {
		t.Fatal(err)
	}
}

// keys are all keys below a prefix.
func keys(t *testing.T, b blob.Bucket, prefix string) []string {
	t.Helper()
	var all []string
	for info, err := range b.List(t.Context(), prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Key)
	}
	return all
}
