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
func playAll(ctx context.Context, recordings []recording, f fault, security func(*telemetry.Config), ready func(), begun <-chan struct{}) []played {
	results := make([]played, len(recordings))
	var first, all sync.WaitGroup
	for n, r := range recordings {
		first.Add(1)
		all.Go(func() { results[n] = r.play(ctx, f, security, first.Done, begun) })
	}
	first.Wait()
	ready()
	all.Wait()
	return results
}

func (r recording) play(ctx context.Context, f fault, security func(*telemetry.Config), ready func(), begun <-chan struct{}) (p played) {
	p.Spill = r.Spill
	config := telemetry.Config{
		Brokers: r.Brokers, Topic: r.Topic,
		DeadLetters: &telemetry.DeadLetters{Brokers: r.Other, Spill: r.Spill, Partitions: 2},
	}
	security(&config)
	if f.config != nil {
		f.config(&config)
	}
	producer, err := telemetry.NewProducer(config)
	if err != nil {
		p.problem(err)
		ready()
		return p
	}
	for i := range r.Events {
		if i == r.Events/5 {
			if _, err := producer.Flush(ctx); err != nil && f.large == 0 {
				p.problem(err)
			}
			ready()
			<-begun
		}
		if err := producer.Admit(ctx, r.event(i, f)); err != nil {
			p.problem(err)
			break
		}
		p.Admitted++
		if a := producer.Accounts(); !a.Balanced() {
			p.problem(fmt.Errorf("accounts do not add up: %+v", a))
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
