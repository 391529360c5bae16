package endtoend_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/job"
)

// signal sends a signal to a program that runs.
func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
}

// endedBy waits until the program has ended, and returns how; prod is called
// again and again until then.
func (p *process) endedBy(t *testing.T, prod func()) error {
	t.Helper()
	const patience = time.Minute
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); ; {
		select {
		case <-p.ended:
			p.over = true
			return p.err
		case <-tick.C:
			prod()
		case <-late:
			t.Fatalf("%s goes on after %s", p.name, patience)
		}
	}
}

// killedBy says whether a program ended by that signal's usual effect.
func killedBy(err error, s syscall.Signal) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == s
}

// held is a cluster whose only worker has all rollouts of a job's first step in
// hand: they wait for b.
func held(t *testing.T, grace string) (c *cluster, b *barrier, s smallJob, to system, id job.ID) {
	t.Helper()
	c = startCluster(t, "file://"+t.TempDir(), nil, 1, 0)
	worker := c.launch(t, "worker", 0, "--grace", grace, "--check", "20ms")
	c.workers = append(c.workers, worker)
	worker.said(t, "Worker is ready.", "policies")
	b = newBarrier(1)
	s = smallJob{agent: startAgent(t, b.gate).url, steps: 1, tasks: four()}
	to = system{c.client(t, 0), openStore(t, c.store)}
	id = s.submit(t, to)
	b.await(t, 4*rollouts)
	return c, b, s, to, id
}

func TestWorkerThatIsToldToStopEndsWhatItHasInHand(t *testing.T) {
	t.Parallel()
	c, b, s, to, id := held(t, "1m")
	worker := c.workers[0]
	worker.signal(t, syscall.SIGTERM)
	worker.said(t, "Stopping; a second signal ends the process at once.", "grace")
	close(b.opened)
	if err := worker.endedBy(t, func() {}); err != nil {
		t.Errorf("it ended with %v", err)
	}
	c.startWorker(t, 1)
	head := awaitEnd(t, to.store, id)
	wantDone(t, head)
	if want := s.undisturbed(t); head.Checkpoint != want {
		t.Errorf("the job ended at %s, undisturbed at %s", head.Checkpoint, want)
	}
	j := trained.Read(t, to.store, id)
	shards := 0
	for _, unit := range j.Units(t, j.Commits()[0]) {
		for _, done := range unit.Settlements() {
			if !strings.Contains(done.Shard, string(job.Rollout)) {
				continue
			}
			shards++
			if done.Worker != "worker-0" || done.Drive != 1 {
				t.Errorf("shard %s was done by %s in drive %d", done.Shard, done.Worker, done.Drive)
			}
		}
	}
	if shards != 4*rollouts/4 {
		t.Errorf("there were %d shards of rollouts", shards)
	}
}

func TestWorkerHandsBackWhatOutlastsTheGrace(t *testing.T) {
	t.Parallel()
	c, b, s, to, id := held(t, "500ms")
	c.workers[0].signal(t, syscall.SIGTERM)
	if err := c.workers[0].endedBy(t, func() {}); err != nil {
		t.Errorf("it ended with %v", err)
	}
	close(b.opened)
	c.startWorker(t, 1)
	head := awaitEnd(t, to.store, id)
	wantDone(t, head)
	if want := s.undisturbed(t); head.Checkpoint != want {
		t.Errorf("the job ended at %s, undisturbed at %s", head.Checkpoint, want)
	}
}

func TestSecondSignalEndsAWorkerAtOnce(t *testing.T) {
	t.Parallel()
	c, b, _, _, _ := held(t, "1h")
	defer close(b.opened)
	worker := c.workers[0]
	worker.signal(t, syscall.SIGTERM)
	worker.said(t, "Stopping; a second signal ends the process at once.", "grace")
	err := worker.endedBy(t, func() { _ = worker.cmd.Process.Signal(syscall.SIGTERM) })
	if !killedBy(err, syscall.SIGTERM) {
		t.Errorf("it ended with %v", err)
	}
}

func TestWorkerStopsAlthoughRedisIsAway(t *testing.T) {
	t.Parallel()
	c, b, _, _, _ := held(t, "500ms")
	defer close(b.opened)
	if err := c.redis.Close(); err != nil {
		t.Fatal(err)
	}
	worker := c.workers[0]
	worker.said(t, "Redis does not answer; no shards come until it does.", "error")
	worker.signal(t, syscall.SIGTERM)
	if err := worker.endedBy(t, func() {}); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if text := worker.log.String(); strings.Count(text, "Redis does not answer") != 1 || strings.Contains(text, `"level":"ERROR"`) {
		t.Errorf("the outage is not said once:\n%s", text)
	}
}

// asking is a request that a coordinator is at and that never ends by itself: a
// submission whose body does not come whole.
func asking(t *testing.T, address string) {
	t.Helper()
	body, write := io.Pipe()
	t.Cleanup(func() { write.Close() })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/v1/jobs", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", `multipart/form-data; boundary=x`)
	// The body is sent when the coordinator begins to read it, not before.
	request.Header.Set("Expect", "100-continue")
	go func() {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}}
		if response, err := client.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	if _, err := fmt.Fprint(write, "--x\r\nContent-Disposition: form-data; name=\"spec\"; filename=\"a.yaml\"\r\n\r\nname: a\n"); err != nil {
		t.Fatal(err)
	}
}

func TestCoordinatorThatIsToldToStopEndsInBoundedTime(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "file://"+t.TempDir(), nil, 0, 0)
	for _, grace := range []string{"500ms", "1h"} {
		p := c.launch(t, "coordinator", 0, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--grace", grace)
		asking(t, p.said(t, "Coordinator is ready.", "api"))
		p.signal(t, syscall.SIGTERM)
		if grace == "500ms" {
			if err := p.endedBy(t, func() {}); err != nil {
				t.Errorf("it ended with %v", err)
			}
			continue
		}
		p.said(t, "Stopping; a second signal ends the process at once.", "grace")
		err := p.endedBy(t, func() { _ = p.cmd.Process.Signal(syscall.SIGTERM) })
		if !killedBy(err, syscall.SIGTERM) {
			t.Errorf("a second signal: it ended with %v", err)
		}
	}
}
