//go:build services

package integration_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/cohort-rl/cohort/telemetry"
)

// Both queues of a process that presses, and what it may have beside them.
const (
	logQueue    = 64 << 20
	letterQueue = 16 << 20
	beside      = 64 << 20
)

// press records from eight goroutines, as fast as the queue takes it, until its
// standard input ends. It says "ready" when the log has something, "full" when
// the queue is, and at the end how often it was, the largest amount of memory it
// had in bytes, and its accounts.
func press(r recording) error {
	config := telemetry.Config{
		Brokers: r.Brokers, Topic: r.Topic, QueueBytes: logQueue, QueueEvents: 1 << 20,
		Budget: time.Second, RequestTimeout: time.Second,
		DeadLetters: &telemetry.DeadLetters{
			Brokers: unreachable(), Patience: time.Nanosecond, Spill: r.Spill, SpillBytes: 24 << 20,
			QueueBytes: letterQueue, QueueEvents: 1 << 20,
		},
	}
	debug.SetMemoryLimit(config.MemoryLimit())
	p, err := telemetry.NewProducer(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := p.Admit(ctx, r.event(0, fault{})); err != nil {
		return err
	}
	if _, err := p.Flush(ctx); err != nil {
		return err
	}
	var full [producers]uint64
	var once sync.Once
	var writers sync.WaitGroup
	for w := range full {
		writers.Go(func() {
			mine := r
			mine.Number = w
			for i := uint64(1); ctx.Err() == nil; i++ {
				short, stop := context.WithTimeout(ctx, time.Millisecond)
				e := mine.event(i, fault{})
				e.Body = telemetry.ToolCall{Tool: "x", Output: make([]byte, 1000)}
				if err := p.Admit(short, e); errors.Is(err, telemetry.ErrQueueFull) {
					full[w]++
					once.Do(func() { fmt.Println("full") })
				}
				stop()
			}
		})
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	writers.Wait()
	peak, err := peakMemory()
	if err != nil {
		return err
	}
	short, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	a, err := p.Close(short)
	if err != nil && !errors.Is(err, telemetry.ErrUndelivered) {
		return err
	}
	sum := uint64(0)
	for _, n := range full {
		sum += n
	}
	fmt.Printf("%d %d %t admitted %d = acknowledged %d + dead-lettered %d + spilled %d + failed %d\n",
		sum, peak, a.Balanced(), a.Admitted, a.Acknowledged, a.DeadLettered, a.Spilled, a.Failed)
	return nil
}

// peakMemory is the largest resident size of this process so far, in bytes.
func peakMemory() (uint64, error) {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		var kibibytes uint64
		if _, err := fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &kibibytes); err == nil {
			return kibibytes << 10, nil
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}

// presser is such a process.
type presser struct{ *recorder }

func (s *stage) startPresser(t *testing.T) presser {
	t.Helper()
	topic := "pressed-" + uuid.NewString()
	createTopic(t, s.client(t), topic, 4)
	ctx, cancel := context.WithTimeout(t.Context(), recordingTime(0)+time.Duration(number("outage"))*time.Second)
	t.Cleanup(cancel)
	r, err := startRecorder(ctx, task{Pressing: &recording{Brokers: s.brokers(), Topic: topic, Spill: filepath.Join(t.TempDir(), "spill")}})
	if err != nil {
		t.Fatal(err)
	}
	if line := <-r.lines; line != "ready" {
		t.Fatalf("the process says %q", line)
	}
	return presser{r}
}

// stop ends it, and expects that its memory stayed below its bound.
func (p presser) stop(t *testing.T) {
	t.Helper()
	if line := <-p.lines; line != "full" {
		t.Errorf("the process says %q", line)
	}
	p.in.Close()
	line := <-p.lines
	if err := p.wait(); err != nil {
		t.Error(err)
	}
	var full, peak uint64
	var balanced bool
	if _, err := fmt.Sscan(line, &full, &peak, &balanced); err != nil {
		t.Fatalf("the process says %q: %v", line, err)
	}
	const most = logQueue + letterQueue + beside
	_, accounts, _ := strings.Cut(line, " admitted")
	t.Logf("pressed without a broker: %d MiB at most, of %d; the queue was full %d times; admitted%s", peak>>20, most>>20, full, accounts)
	if peak > most || full == 0 || !balanced {
		t.Errorf("%d bytes of at most %d, full %d times, balanced %t", peak, most, full, balanced)
	}
}
