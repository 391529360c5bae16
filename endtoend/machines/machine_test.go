//go:build services

package machines_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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

// cohort builds the program for the machine and returns the command that runs
// it here. It skips the test where none does.
func (m machine) cohort(ctx context.Context, t *testing.T) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skipf("%s: its binary is one of Linux, this is %s", m.name, runtime.GOOS)
	}
	var command []string
	if m.arch != runtime.GOARCH {
		command = append(command, emulator(ctx, t, m))
	}
	command = append(command, filepath.Join(t.TempDir(), "cohort"))
	build := exec.CommandContext(ctx, "go", "build", "-ldflags=-w", "-o", command[len(command)-1], "github.com/cohort-rl/cohort/cmd/cohort")
	build.Env = append(append(os.Environ(), "GOOS=linux", "GOARCH="+m.arch), m.environment...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build for %s: %v\n%s", m.name, err, out)
	}
	version := exec.CommandContext(ctx, command[0], append(command[1:], "version")...)
	if out, err := version.CombinedOutput(); err != nil {
		if bytes.Contains(out, []byte("microarchitecture support")) {
			t.Skipf("%s: %s", m.name, bytes.TrimSpace(out)) // The runtime's own word.
		}
		t.Fatalf("%s: %v\n%s", m.name, err, out)
	}
	return command
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
