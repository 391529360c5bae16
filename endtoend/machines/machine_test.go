//go:build services

package machines_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// machine is a kind of machine that cohort is built for.
type machine struct {
	name        string
	arch        string
	environment []string // of the compiler
}

// machines are the kinds that have instructions of their own for what reaches
// weights: v3 has vectors and fused products, arm64 fused products.
func machines() []machine {
	return []machine{
		{"amd64 v1", "amd64", []string{"GOAMD64=v1"}},
		{"amd64 v3", "amd64", []string{"GOAMD64=v3", "CGO_ENABLED=0"}},
		{"arm64", "arm64", []string{"CGO_ENABLED=0"}},
	}
}

// emulators are the names of the programs that run another machine's.
func emulators() map[string]string {
	return map[string]string{"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}
}

// runner is what stands before a program of the machine to run it here: nothing,
// or an emulator. It skips the test where nothing runs it.
func (m machine) runner(ctx context.Context, t *testing.T) []string {
	t.Helper()
	switch {
	case runtime.GOOS != "linux":
		t.Skipf("%s: its programs are those of Linux, this is %s", m.name, runtime.GOOS)
	case m.arch != runtime.GOARCH:
		return []string{emulator(ctx, t, m)}
	}
	return nil
}

// build compiles a program for the machine, by `go build` or `go test -c`, whose
// last argument is a package, and returns its path.
func (m machine) build(ctx context.Context, t *testing.T, arguments ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	build := exec.CommandContext(ctx, "go", slices.Insert(arguments, len(arguments)-1, "-ldflags=-w", "-o", program)...)
	build.Env = append(append(os.Environ(), "GOOS=linux", "GOARCH="+m.arch), m.environment...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build for %s: %v\n%s", m.name, err, out)
	}
	return program
}

// run runs a program and returns what it said. It skips the test if the
// processor lacks instructions that the program was built for.
func run(ctx context.Context, t *testing.T, dir string, command ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("microarchitecture support")) { // the runtime's own words
		t.Skipf("%s", bytes.TrimSpace(out))
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return out
}

// emulator is the path of what runs the machine's programs.
func emulator(ctx context.Context, t *testing.T, m machine) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join("..", "..", ".cache", "qemu"))
	if err != nil {
		t.Fatal(err)
	}
	var out, said bytes.Buffer
	find := exec.CommandContext(ctx, "bash", "qemu.sh", emulators()[m.arch], folder)
	find.Stdout, find.Stderr = &out, &said
	if err := find.Run(); err != nil {
		t.Skipf("%s: no emulator: %v\n%s", m.name, err, &said)
	}
	return strings.TrimSpace(out.String())
}
