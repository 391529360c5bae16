// Package python runs scripts in an environment that has the packages with
// which users of Python read what Cohort writes. It is for tests.
package python

import (
	"context"
	_ "embed" // for the pinned packages
	"errors"
	"os/exec"
	"testing"
	"time"
)

//go:embed requirements.txt
var requirements string

//go:embed otlp.requirements.txt
var instrumented string

//go:embed otlp_agent.py
var otlpAgent string

// OTLPAgent is the text of an agent that is traced by OpenTelemetry alone: its
// own words say what it takes.
func OTLPAgent() string { return otlpAgent }

// Run runs a script's text with arguments and returns its standard output. The
// test is skipped where the packages cannot be installed.
func Run(t *testing.T, script string, args ...string) []byte {
	t.Helper()
	interpreter := Interpreter(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, interpreter, append([]string{"-I", "-c", script}, args...)...)
	out, err := command.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("run Python: %v\n%s", err, exit.Stderr)
	}
	if err != nil {
		t.Fatalf("run Python: %v", err)
	}
	return out
}
