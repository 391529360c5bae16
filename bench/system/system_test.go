package main_test

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"

	"github.com/cohort-rl/cohort/endtoend/programs"
)

// The short run measures, and leaves no process behind; flags that cannot be are
// refused before.
func TestShortRunMeasuresAndLeavesNothing(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	if err := programs.Build(t.Context(), bin, "cmd/coordinator", "cmd/worker", "bench/system"); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{{"-rollouts", "12"}, {"-workers", "0"}, {"-shard", "3"}, {"-bin", t.TempDir()}} {
		if out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "system"), flags...).CombinedOutput(); err == nil {
			t.Errorf("%v: %s", flags, out)
		}
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "system"),
		"-bin", bin, "-seconds", "1s", "-workers", "1", "-rollouts", "64", "-services", "embedded", "-cases", "noop,overhead", "-ask")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its children are in its group
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := syscall.Kill(-cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("a process of its group is left: %v", err)
	}
	for name, pattern := range map[string]string{
		"rollouts in a second": `\n +1 +([0-9.]+) +1\.00 `,
		"worker's time":        `worker ([0-9.]+)`,
		"overhead":             `overhead ([0-9.]+)ms`,
		"bare loop":            `bare loop takes ([0-9.]+)ms`,
		"time of collecting":   `collect ([0-9.]+)`,
		"plans put":            `([0-9.]+) x +[0-9.]+ms +coordinator put +plans`,
	} {
		found := regexp.MustCompile(pattern).FindSubmatch(out)
		if found == nil {
			t.Errorf("%s is not said", name)
			continue
		}
		if value, err := strconv.ParseFloat(string(found[1]), 64); err != nil || value <= 0 {
			t.Errorf("%s is %s", name, found[1])
		}
	}
	// A worker reads a plan once, and no step asks for a topic that is there.
	if found := regexp.MustCompile(`([0-9.]+) x +[0-9.]+ms +worker +get +plans`).FindSubmatch(out); found == nil || string(found[1]) != "1.0" {
		t.Errorf("plans are read so often: %q", found)
	}
	if bytes.Contains(out, []byte("create kafka")) {
		t.Error("steps create a topic")
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
