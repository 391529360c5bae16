package endtoend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/interop/python"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/traces/audit"
)

// countdownJob trains on a few tasks of the example, with the agent at url.
func countdownJob(t *testing.T, url string) api.Submission {
	t.Helper()
	lines := bytes.SplitAfterN(exampleTasks(t), []byte("\n"), 9)
	text := fmt.Sprintf(`
name: numbers
seed: 5
steps: 2
policy: {kind: linear, features: %d}
agent: {url: "%s/rollouts", timeout: 30s}
tasks: {data: tasks.jsonl, groups: 6, rollouts: 8}
traces: {partitions: 2}
optimizer: {kind: adam, learning_rate: 1.0}
limits: {shard_rollouts: 4, deadlines: {rollout: 120s}}
`, countdown.Width, url)
	return api.Submission{File: "job.yaml", Spec: []byte(text), Data: map[string][]byte{spec.RoleTasks: bytes.Join(lines[:8], nil)}}
}

func exampleTasks(t *testing.T) []byte {
	t.Helper()
	tasks, err := os.ReadFile(filepath.Join("..", "examples", "countdown", "train.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

// trainNumbers trains with the agent at url.
func trainNumbers(t *testing.T, to system, url string) (job.ID, *job.Head) {
	t.Helper()
	j, _, err := to.api.Submit(trained.Within(t, time.Minute), countdownJob(t, url))
	if err != nil {
		t.Fatal(err)
	}
	head := awaitEnd(t, to.store, j.ID)
	wantDone(t, head)
	return j.ID, head
}

// goAgent runs the example agent until the end of the test.
func goAgent(t *testing.T) (url string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	address, done := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		done <- countdown.Serve(ctx, countdown.Config{Listen: "127.0.0.1:0", Ready: func(a net.Addr) { address <- a }})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "http://" + (<-address).String()
}

// An agent in another language leaves the same events: the job ends at the same
// checkpoint as with the agent in Go, and the audit misses nothing.
func TestPythonAgentTrainsTheSameCheckpoint(t *testing.T) {
	t.Parallel()
	interpreter := python.Interpreter(t)
	to := sharedSystem(t)
	_, inGo := trainNumbers(t, to, goAgent(t))

	agent, err := start(interpreter, nil, filepath.Join("..", "examples", "python-agent", "agent.py"), "0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = agent.stop() // It was stopped, unless the test failed.
		if t.Failed() {
			t.Logf("the agent said:\n%s", &agent.log)
		}
	})
	line, err := agent.out.await(trained.Within(t, time.Minute), "listening on")
	if err != nil {
		t.Fatal(err)
	}
	id, inPython := trainNumbers(t, to, "http://127.0.0.1:"+strings.TrimPrefix(line, "listening on "))
	if inPython.Checkpoint != inGo.Checkpoint || inPython.Totals != inGo.Totals {
		t.Errorf("checkpoint %s with %+v, with the agent in Go %s with %+v", inPython.Checkpoint, inPython.Totals, inGo.Checkpoint, inGo.Totals)
	}
	if err := agent.stop(); err != nil { // It leaves its final records.
		t.Fatal(err)
	}

	broker, err := os.ReadFile(filepath.Join(up.dir, "kafka.addr"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(trained.Within(t, time.Minute), program(t), "telemetry", "audit", string(id),
		"--kafka", strings.TrimSpace(string(broker)), "--store", "file://"+storeOf(up.dir), "-o", "json").Output()
	if err != nil {
		t.Fatalf("the audit fails: %v\n%s", err, out)
	}
	var found struct {
		Whole  bool
		Topics []audit.Report
	}
	if err := json.Unmarshal(out, &found); err != nil || len(found.Topics) != 1 {
		t.Fatalf("the audit says %s, %v", out, err)
	}
	totals := found.Topics[0].Totals
	if !found.Whole || totals.Producers != 1 || totals.Streams != 2 || totals.Finals != 2 || totals.Unclean > 0 || totals.Duplicates > 0 || totals.Complete != inPython.Totals.Planned {
		t.Errorf("the audit says %+v of %+v", totals, inPython.Totals)
	}
}

// A tail shows a job that runs on a cohort up, and ends well when it is told to.
func TestTailShowsAJobAsItRuns(t *testing.T) {
	t.Parallel()
	to := sharedSystem(t)
	tail := launch(t, "cohort", nil, "telemetry", "tail", "--dir", up.dir, "-o", "json", "--from-start", "--kind", "end")
	id, head := trainNumbers(t, to, goAgent(t))
	var last string
	await(t, time.Minute, func(context.Context) (done bool, state string) {
		ends := 0
		for line := range strings.Lines(tail.out.String()) {
			if strings.Contains(line, `"thread":"`+string(id)+`/`) { // Other tests' jobs are shown too.
				ends, last = ends+1, line
			}
		}
		return ends >= head.Totals.Planned, fmt.Sprintf("%d ends of %d rollouts are shown", ends, head.Totals.Planned)
	})
	var event struct {
		Kind string
		Body struct{ Events int }
	}
	if err := json.Unmarshal([]byte(last), &event); err != nil || event.Kind != "end" || event.Body.Events < 4 {
		t.Errorf("%v: %s", err, last)
	}
	if err := errors.Join(tail.cmd.Process.Signal(os.Interrupt), awaitExit(trained.Within(t, time.Minute), tail)); err != nil {
		t.Errorf("tail ends with %v\n%s", err, &tail.log)
	}
}

// awaitExit waits until a program has ended, and returns how.
func awaitExit(ctx context.Context, p *process) error {
	select {
	case <-p.ended:
		p.over = true
		return p.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
