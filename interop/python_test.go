package interop_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// results is what testdata/read_results.py finds in a folder.
type results struct {
	Policy struct {
		Metadata map[string]string `json:"metadata"`
		Tensors  map[string]struct {
			DType  string  `json:"dtype"`
			Shape  []int   `json:"shape"`
			Sum    float64 `json:"sum"`
			SHA256 string  `json:"sha256"` // of the values, little-endian, row-major
		} `json:"tensors"`
	} `json:"policy"`
	Tables map[string]table `json:"tables"` // by path within the folder
}

type table struct {
	Rows    int               `json:"rows"`
	Columns map[string]column `json:"columns"`
}

type column struct {
	Type   string         `json:"type"`
	Nulls  int            `json:"nulls"`
	Sum    float64        `json:"sum"`    // of numbers, in lists too
	Counts map[string]int `json:"counts"` // of texts with few different values
}

// readByPython reads the policy and the Parquet files under dir with numpy,
// safetensors and pyarrow.
func readByPython(t *testing.T, dir string) results {
	t.Helper()
	out := runPython(t, filepath.Join("testdata", "read_results.py"), dir)
	var found results
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatalf("decode what Python said: %v\n%s", err, out)
	}
	return found
}

// runPython runs a script with the packages of testdata/requirements.txt and
// returns its standard output. The test is skipped where they cannot be installed.
func runPython(t *testing.T, script string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, python(t), append([]string{"-I", script}, args...)...)
	out, err := command.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%s: %v\n%s", script, err, exit.Stderr)
		}
		t.Fatalf("%s: %v", script, err)
	}
	return out
}

// python returns the interpreter of an environment that has the pinned
// packages. It is made once per set of versions, in the repo's cache folder.
func python(t *testing.T) string {
	t.Helper()
	system, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	requirements := filepath.Join("testdata", "requirements.txt")
	cache := filepath.Join("..", ".cache")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	environment := filepath.Join(cache, "python-"+versions(t, system, requirements))
	interpreter, err := filepath.Abs(filepath.Join(environment, "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(environment); err == nil {
		return interpreter
	}

	fresh, err := os.MkdirTemp(cache, "python-new-") //nolint:usetesting // renamed into place, so on the same file system
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(fresh)
	must(t, system, "-m", "venv", fresh)
	must(t, filepath.Join(fresh, "bin", "python"), "-m", "pip", "install",
		"--quiet", "--disable-pip-version-check", "--no-input", "--only-binary=:all:", "--requirement", requirements)
	// Whoever loses a race between two test processes uses the winner's.
	if err := os.Rename(fresh, environment); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return interpreter
}

// must runs a command that prepares Python, and skips the test if it fails.
func must(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		t.Skipf("pip cannot install what testdata/requirements.txt pins: %v\n%s", err, out)
	}
}

// versions is a name for the interpreter and the pinned packages together.
func versions(t *testing.T, system, requirements string) string {
	t.Helper()
	pinned, err := os.ReadFile(requirements)
	if err != nil {
		t.Fatal(err)
	}
	interpreter, err := exec.CommandContext(t.Context(), system, "-c", "import sys; print(sys.version, sys.base_prefix)").Output()
	if err != nil {
		t.Skipf("python3 does not run: %v", err)
	}
	sum := sha256.Sum256(append(pinned, interpreter...))
	return hex.EncodeToString(sum[:8])
}
