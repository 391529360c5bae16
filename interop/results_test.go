// Package interop_test checks that what Cohort writes can be read by the tools
// its users have: Python with numpy, safetensors and pyarrow.
package interop_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/cohort-rl/cohort/interop/python"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/safetensors"
)

func TestPythonReadsPolicyAndTables(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	weights := []float32{0.5, -1, 2, 0.25, 8, -0.75}
	writePolicy(t, filepath.Join(dir, "policy.safetensors"), []policy.Tensor{
		{Name: "hidden.weight", Shape: []int{2, 3}, Data: weights},
	})
	type row struct {
		Fate     string    `parquet:"fate,dict"`
		Reward   *float64  `parquet:"reward,optional"`
		LogProbs []float32 `parquet:"log_probs,list"`
	}
	one, half := 1.0, 0.5
	rows := []row{
		{Fate: "used", Reward: &one, LogProbs: []float32{-0.5, -0.25}},
		{Fate: "used", Reward: &half, LogProbs: []float32{-1}},
		{Fate: "timed out"},
	}
	if err := os.Mkdir(filepath.Join(dir, "batch"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ledger.parquet", filepath.Join("batch", "0.parquet")} {
		if err := parquet.WriteFile(filepath.Join(dir, name), rows); err != nil {
			t.Fatal(err)
		}
	}

	found := python.ReadResults(t, dir)

	tensor := found.Policy.Tensors["hidden.weight"]
	if tensor.DType != "float32" || !slices.Equal(tensor.Shape, []int{2, 3}) || tensor.SHA256 != digest(t, weights) {
		t.Errorf("tensor is %+v", tensor)
	}
	if found.Policy.Metadata["made_by"] != "cohort" {
		t.Errorf("metadata is %v", found.Policy.Metadata)
	}
	for _, name := range []string{"ledger.parquet", "batch/0.parquet"} {
		got := found.Tables[name]
		if got.Rows != len(rows) {
			t.Errorf("%s has %d rows", name, got.Rows)
		}
		if fates := got.Columns["fate"].Counts; !maps.Equal(fates, map[string]int{"used": 2, "timed out": 1}) {
			t.Errorf("%s: fates are %v", name, fates)
		}
		if reward := got.Columns["reward"]; reward.Nulls != 1 || reward.Sum != 1.5 {
			t.Errorf("%s: rewards are %+v", name, reward)
		}
		if probs := got.Columns["log_probs"]; probs.Sum != -1.75 {
			t.Errorf("%s: log-probabilities are %+v", name, probs)
		}
	}
}

func writePolicy(t *testing.T, path string, tensors []policy.Tensor) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := safetensors.Write(file, tensors, map[string]string{"made_by": "cohort"}); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func digest(t *testing.T, values []float32) string {
	t.Helper()
	raw, err := binary.Append(nil, binary.LittleEndian, values)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
