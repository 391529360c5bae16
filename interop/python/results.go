package python

import (
	_ "embed" // for the script
	"encoding/json"
	"testing"
)

//go:embed read_results.py
var readResults string

// Results is what Python finds in a folder of results.
type Results struct {
	Policy struct {
		Metadata map[string]string `json:"metadata"`
		Tensors  map[string]Tensor `json:"tensors"`
	} `json:"policy"`
	// Tables are the Parquet files, by their path within the folder.
	Tables map[string]Table `json:"tables"`
}

// Tensor is an array of the policy.
type Tensor struct {
	DType  string  `json:"dtype"`
	Shape  []int   `json:"shape"`
	Sum    float64 `json:"sum"`
	SHA256 string  `json:"sha256"` // of the values, little-endian, row-major
}

// Table is a Parquet file.
type Table struct {
	Rows    int               `json:"rows"`
	Columns map[string]Column `json:"columns"`
}

// Column is a column of a Parquet file.
type Column struct {
	Type   string         `json:"type"`
	Nulls  int            `json:"nulls"`
	Sum    float64        `json:"sum"`    // of numbers, in lists too
	Counts map[string]int `json:"counts"` // of texts with few different values
}

// ReadResults reads the policy and the Parquet files under dir with numpy,
// safetensors and pyarrow.
func ReadResults(t *testing.T, dir string) Results {
	t.Helper()
	out := Run(t, readResults, dir)
	var found Results
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("decode what Python said: %v\n%s", err, out)
	}
	return found
}
