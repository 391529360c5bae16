//go:build services

package integration_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/ratelimit"
)

// task is what a process that records is to do, one of the three.
type task struct {
	Disk       uint64 // largest file it may write, in bytes
	Recordings []recording
	Endless    *recording // until it is killed
	Pressing   *recording // as much as it can, until its standard input ends
}

// recording is what one producer is to do.
type recording struct {
	Fault          string
	Brokers, Other []string
	Topic, Spill   string
	Number         int
	Events         uint64
}

// played is what became of the events of one producer.
type played struct {
	Admitted uint64
	Refused  uint64 // by the limiter
	Accounts telemetry.Accounts
	Spill    string
	Problems []string
}

// read hands on what the process writes until it ends.
func (r *recorder) read(out io.Reader) {
	defer close(r.lines)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r.lines <- lines.Text()
	}
}

// wait reaps the process after its last line.
func (r *recorder) wait() error {
	for range r.lines { // none is waited for any more
	}
	return r.cmd.Wait()
}

// runTask is the process.
func runTask(text string) int {
	var what task
	err := json.Unmarshal([]byte(text), &what)
	if err == nil && what.Disk > 0 {
		const fileSize = 1 // RLIMIT_FSIZE of Linux and macOS
		err = syscall.Setrlimit(fileSize, &syscall.Rlimit{Cur: what.Disk, Max: what.Disk})
	}
	switch {
	case err != nil:
	case what.Endless != nil:
		err = recordEndlessly(*what.Endless)
	case what.Pressing != nil:
		err = press(*what.Pressing)
	default:
		err = recordApart(what.Recordings)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// recordApart plays recordings of one fault: it says "ready" and goes on when
// its standard input ends, and then says what became of them.
func recordApart(recordings []recording) error {
	ctx, cancel := context.WithTimeout(context.Background(), recordingTime(recordings[0].Events))
	defer cancel()
	for _, f := range stops() {
		if f.name != recordings[0].Fault {
			continue
		}
		begun := make(chan struct{})
		results := playAll(ctx, recordings, f, func(*telemetry.Config) {}, func() {
			fmt.Println("ready")
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(begun)
		}, begun)
		return json.NewEncoder(os.Stdout).Encode(results)
	}
	return fmt.Errorf("there is no fault %q", recordings[0].Fault)
}

// playAll plays recordings side by side and calls ready once, when a fifth of
// each is in the log; they go on once begun is closed.
func playAll(ctx context.Context, recordings []recording, f fault, settings func(*telemetry.Config), ready func(), begun <-chan struct{}) []played {
	results := make([]played, len(recordings))
	var first, all sync.WaitGroup
	for n, r := range recordings {
		first.Add(1)
		all.Go(func() { results[n] = r.play(ctx, f, settings, first.Done, begun) })
	}
	first.Wait()
	ready()
	all.Wait()
	return results
}

func (r recording) play(ctx context.Context, f fault, settings func(*telemetry.Config), ready func(), begun <-chan struct{}) (p played) {
	ready = sync.OnceFunc(ready)
	defer ready() // whatever went wrong: the others wait for it
	p.Spill = r.Spill
	config := telemetry.Config{
		Brokers: r.Brokers, Topic: r.Topic,
		DeadLetters: &telemetry.DeadLetters{Brokers: r.Other, Spill: r.Spill, Partitions: 2},
	}
	settings(&config)
	if f.config != nil {
		f.config(&config)
	}
	producer, err := telemetry.NewProducer(config)
	if err != nil {
		p.problem(err)
		return p
	}
	for i := range r.Events {
		if i == r.Events/5 {
			// A small budget may be spent on a busy machine before anything else happens.
			if _, err := producer.Flush(ctx); err != nil && f.large == 0 && f.config == nil {
				p.problem(err)
			}
			ready()
			select {
			case <-begun:
			case <-ctx.Done():
			}
		}
		if !p.admit(ctx, producer, r.event(i, f)) {
			break
		}
	}
	if _, err := producer.Flush(ctx); err != nil && !errors.Is(err, telemetry.ErrUndelivered) {
		p.problem(err)
	}
	short, stop := context.WithTimeout(ctx, time.Minute)
	if f.deleted { // nothing will take the tombstones
		stop()
		short, stop = context.WithTimeout(ctx, time.Second)
	}
	defer stop()
	if p.Accounts, err = producer.Close(short); err != nil && !errors.Is(err, telemetry.ErrUndelivered) {
		p.problem(err)
	}
	return p
}

// admit records an event as an agent would: while the topic cannot be found it
// waits, and after a limiter's refusal it goes on with the next event a little
// later. It reports false when that is no use any more.
func (p *played) admit(ctx context.Context, producer *telemetry.Producer, e telemetry.Event) bool {
	err := producer.Admit(ctx, e)
	for errors.Is(err, telemetry.ErrNoTopic) && ctx.Err() == nil {
		err = producer.Admit(ctx, e)
	}
	switch {
	case err == nil:
		p.Admitted++
	case errors.Is(err, ratelimit.ErrUnavailable) || errors.Is(err, ratelimit.ErrLimited):
		p.Refused++
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
		}
	default:
		p.problem(err)
		return false
	}
	if a := producer.Accounts(); !a.Balanced() {
		p.problem(fmt.Errorf("accounts do not add up: %+v", a))
	}
	return true
}

// event is the i-th. There is a thread to each hundred, so that all partitions
// have some.
func (r recording) event(i uint64, f fault) telemetry.Event {
	size := 200
	if f.large > 0 && i%uint64(f.large) == 7 {
		size = 30_000
	}
	return telemetry.Event{
		Thread: fmt.Sprintf("%d/%d", r.Number, i/100), Index: i % 100, Time: time.Now(), Name: "x",
		Body: telemetry.ToolCall{Tool: "x", Output: make([]byte, size)},
	}
}

// problem keeps what should not be, at most a few times.
func (p *played) problem(err error) {
	if len(p.Problems) < 5 {
		p.Problems = append(p.Problems, err.Error())
	}
}
