//go:build services

package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/telemetry"
)

// producers is how many record at once through a fault.
const producers = 8

// scene is one fault on a topic of its own, and what became of it.
type scene struct {
	*stage
	fault
	topic   string
	spill   string            // path of the spill files, without their producer's number
	events  uint64            // of each producer
	limiter telemetry.Limiter // nil for none
	results []played
}

// blow lets producers record through a storm, and checks what each of its
// faults left.
func (s *stage) blow(t *testing.T, w storm, events uint64) {
	t.Helper()
	began := time.Now()
	say := func(what string) {
		t.Logf("%6.1f s: %d faults, %d events each: %s", time.Since(began).Seconds(), len(w.faults), producers*events, what)
	}
	scenes := make([]*scene, len(w.faults))
	var ready, writers sync.WaitGroup
	begun := make(chan struct{})
	for i, f := range w.faults {
		scenes[i] = &scene{stage: s, fault: f, topic: "faults-" + uuid.NewString(), spill: filepath.Join(t.TempDir(), "spill"), events: events}
		createTopic(t, s.client(t), scenes[i].topic, 4, f.topic...)
	}
	for _, c := range scenes {
		if c.limited {
			c.limiter = s.newLimiter(t)
		}
		ready.Add(1)
		writers.Go(func() { c.play(t, sync.OnceFunc(ready.Done), begun) })
	}
	ready.Wait()
	say("a fifth is recorded")
	w.begin(t)
	for _, c := range scenes {
		if c.deleted {
			c.deleteTopic(t)
		}
	}
	close(begun)
	if w.lasts > 0 {
		wait(t, w.lasts)
		w.end(t)
		say("it is over")
		writers.Wait()
	} else {
		writers.Wait()
		w.end(t)
	}
	say("all is recorded")
	for _, c := range scenes {
		t.Run(c.name, func(t *testing.T) { c.check(t) })
	}
	say("all is checked")
}

func (c *scene) deleteTopic(t *testing.T) {
	t.Helper()
	r, err := c.client(t).DeleteTopics(t.Context(), &kafkago.DeleteTopicsRequest{Topics: []string{c.topic}})
	if err == nil {
		err = r.Errors[c.topic]
	}
	if err != nil {
		t.Error(err)
	}
}

// recordings are what the producers of a scene are to do.
func (c *scene) recordings() []recording {
	all := make([]recording, producers)
	for n := range all {
		all[n] = recording{
			Fault: c.name, Brokers: c.brokers(), Other: c.other, Topic: c.topic,
			Spill: fmt.Sprint(c.spill, n), Number: n, Events: c.events,
		}
	}
	return all
}

// play calls ready when a fifth is in the log, and goes on once begun is closed.
func (c *scene) play(t *testing.T, ready func(), begun <-chan struct{}) {
	t.Helper()
	defer ready() // whatever went wrong: the others wait for it
	ctx, cancel := context.WithTimeout(t.Context(), recordingTime(c.events))
	defer cancel()
	if c.disk > 0 {
		c.playApart(ctx, t, ready, begun)
		return
	}
	c.results = playAll(ctx, c.recordings(), c.fault, func(config *telemetry.Config) {
		config.TLS, config.SASL, config.Limiter = c.tls, c.sasl, c.limiter
	}, ready, begun)
}

// recordingTime bounds a recording.
func recordingTime(events uint64) time.Duration {
	return 3*time.Minute + time.Duration(events)*10*time.Millisecond
}

// playApart does so in another process, whose files may not grow above a limit.
func (c *scene) playApart(ctx context.Context, t *testing.T, ready func(), begun <-chan struct{}) {
	t.Helper()
	child, err := startRecorder(ctx, task{Disk: c.disk, Recordings: c.recordings()})
	if err != nil {
		t.Error(err)
		return
	}
	if line := <-child.lines; line != "ready" {
		t.Errorf("the producers' process says %q", line)
	}
	ready()
	select {
	case <-begun:
	case <-ctx.Done():
	}
	child.in.Close()
	text := <-child.lines
	if err := json.Unmarshal([]byte(text), &c.results); err != nil {
		t.Errorf("the producers' process says %q: %v", text, err)
	}
	if err := child.wait(); err != nil {
		t.Error(err)
	}
}

// recorder is a process of this program that records.
type recorder struct {
	cmd   *exec.Cmd
	in    interface{ Close() error }
	lines chan string // what it writes; closed at its end
}

// envRecorder makes this program such a process; it holds a task.
const envRecorder = "COHORT_TEST_RECORDER"

// startRecorder starts one that ends with ctx at the latest.
func startRecorder(ctx context.Context, what task) (*recorder, error) {
	text, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), envRecorder+"="+string(text), "GOGC=", "GOMEMLIMIT=") // as a user starts a program
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &recorder{cmd: cmd, in: in, lines: make(chan string, 1<<20)}
	go r.read(out)
	return r, nil
}
