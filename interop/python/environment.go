package python

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Interpreter returns the path of a Python that has the packages with which users
// read what Cohort writes, pinned. Its environment is made once per set of
// versions, in the repo's cache folder. The test is skipped where there is no
// Python, or pip cannot install them.
func Interpreter(t *testing.T) string {
	t.Helper()
	return interpreter(t, requirements)
}

// Instrumented returns the path of a Python that has OpenAI's client, an
// instrumentation of it, and the SDK and the exporter of OpenTelemetry, as
// Interpreter does.
func Instrumented(t *testing.T) string {
	t.Helper()
	return interpreter(t, instrumented)
}

// interpreter returns the path of a Python that has these packages.
func interpreter(t *testing.T, requirements string) string {
	t.Helper()
	system, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	cache := filepath.Join(root(t), ".cache")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	environment := filepath.Join(cache, "python-"+versions(t, system, requirements))
	interpreter := filepath.Join(environment, "bin", "python")
	defer alone(t, filepath.Join(cache, "python.lock"))()
	if _, err := os.Stat(environment); err == nil {
		return interpreter
	}
	fresh, err := os.MkdirTemp(cache, "python-new-") //nolint:usetesting // renamed into place, so on the same file system
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(fresh) }() // It is renamed if all went well.
	pinned := filepath.Join(fresh, "requirements.txt")
	if err := os.WriteFile(pinned, []byte(requirements), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, system, "-m", "venv", fresh)
	must(t, filepath.Join(fresh, "bin", "python"), "-m", "pip", "install",
		"--quiet", "--disable-pip-version-check", "--no-input", "--only-binary=:all:", "--requirement", pinned)
	if err := os.Rename(fresh, environment); err != nil {
		t.Fatal(err)
	}
	return interpreter
}

// root is the folder of the module, above that of the tests that run.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return dir
		}
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			t.Fatalf("the tests do not run in the module: %v", err)
		}
		dir = filepath.Dir(dir)
	}
}

// alone waits until no other test, of this process or another, makes an
// environment, and keeps them waiting until leave is called.
func alone(t *testing.T, path string) (leave func()) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(errors.Join(err, file.Close()))
	}
	return func() { _ = file.Close() } // The system lets go of the lock.
}

// must runs a command that prepares Python, and skips the test if it fails.
func must(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		t.Skipf("pip cannot install what is pinned in interop/python: %v\n%s", err, out)
	}
}

// versions is a name for the interpreter and the pinned packages together.
func versions(t *testing.T, system, requirements string) string {
	t.Helper()
	interpreter, err := exec.CommandContext(t.Context(), system, "-c", "import sys; print(sys.version, sys.base_prefix)").Output()
	if err != nil {
		t.Skipf("python3 does not run: %v", err)
	}
	sum := sha256.Sum256(append([]byte(requirements), interpreter...))
	return hex.EncodeToString(sum[:8])
}
