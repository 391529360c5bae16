package telemetry_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
)

// What a child process finds in its environment.
const (
	envBrokers = "COHORT_TEST_BROKERS"
	envSpill   = "COHORT_TEST_SPILL"
)

// child runs one test of this binary in a process of its own.
func (f *both) child(t *testing.T, test string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), envBrokers+"="+strings.Join(f.log.ListenAddrs(), ",")+" "+strings.Join(f.other.ListenAddrs(), ","), envSpill+"="+f.file)
	return cmd
}

// asChild is what the parent started, or skips a test that is none.
func asChild(t *testing.T) (brokers, letters []string, file string) {
	t.Helper()
	file = os.Getenv(envSpill)
	if file == "" {
		t.Skip("it is run by another test, in a process of its own")
	}
	first, second, _ := strings.Cut(os.Getenv(envBrokers), " ")
	return strings.Split(first, ","), strings.Split(second, ","), file
}

// Killed between sending what was spilled and emptying the file, a producer
// leaves duplicates that are marked, and nothing is lost.
func TestKillBetweenReplayAndTruncationLosesNothing(t *testing.T) {
	t.Parallel()
	f := startBoth(t)
	p := f.newProducer(t, nil)
	admit(t, p, "t", 0, 1)
	if _, err := p.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	f.logDown.Store(true)
	admit(t, p, "t", 1, 4)
	if a, _ := p.Close(deadline(t, 10*time.Millisecond)); a.Spilled != 3 {
		t.Fatalf("accounts are %+v", a)
	}
	f.logDown.Store(false)

	f.log.cut.Store(1 << 20) // every answer is lost, after the log has the events
	cmd := f.child(t, "TestChildReplays")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); len(f.log.read(t, topic, 0)) < 4; {
		if time.Now().After(end) {
			t.Fatal("the child replays nothing")
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	f.log.cut.Store(0)
	if got := f.spilled(t); len(got) != 3 {
		t.Fatalf("the spill file holds %d letters", len(got))
	}
	next := f.newProducer(t, nil)
	until(t, next, "replayed", func(a telemetry.Accounts) bool { return a.Replayed == 3 })
	mustClose(t, next)
	events, streams := f.log.accepted(t)
	if dead(t, streams) != 0 || len(events["t"]) != 4 || streams[0].Duplicates < 3 {
		t.Errorf("%d events are there, streams %+v", len(events["t"]), streams)
	}
	replayed := 0 // three events and the final record
	for _, m := range f.log.readAll(t)[0] {
		if m.origin.Replayed {
			replayed++
		}
	}
	if uint64(replayed) != streams[0].Duplicates+4 {
		t.Errorf("%d are marked as replayed, streams %+v", replayed, streams)
	}
}

// TestChildReplays replays a spill file until it is killed.
func TestChildReplays(t *testing.T) {
	t.Parallel()
	brokers, letters, file := asChild(t)
	p, err := telemetry.NewProducer(telemetry.Config{
		Brokers: brokers, Topic: topic, DeadLetters: &telemetry.DeadLetters{Brokers: letters, Spill: file},
	})
	if err != nil {
		t.Fatal(err)
	}
	until(t, p, "killed", func(telemetry.Accounts) bool { return false })
}

// A disk that takes no more holds events up; what it took is whole, the rest is
// reported.
func TestFullDiskFailsLoudly(t *testing.T) {
	t.Parallel()
	f := startBoth(t)
	f.logDown.Store(true)
	f.letters.Store(true)
	out, err := f.child(t, "TestChildFillsItsDisk").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, text, _ := strings.Cut(string(out), "accounts: ")
	text, _, _ = strings.Cut(text, "\n")
	var a telemetry.Accounts
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !a.Balanced() || a.Spilled == 0 || a.Failed == 0 || a.Queued != 0 {
		t.Errorf("accounts are %+v", a)
	}
	if got := f.spilled(t); uint64(len(got)) != a.Spilled {
		t.Errorf("the spill file holds %d letters, accounts are %+v", len(got), a)
	}
}

// TestChildFillsItsDisk may write files of 4 KiB.
func TestChildFillsItsDisk(t *testing.T) {
	t.Parallel()
	brokers, letters, file := asChild(t)
	const fileSize = 1 // RLIMIT_FSIZE of Linux and macOS
	if err := syscall.Setrlimit(fileSize, &syscall.Rlimit{Cur: 4096, Max: 4096}); err != nil {
		t.Fatal(err)
	}
	var clock years
	p, err := telemetry.NewProducer(telemetry.Config{
		Brokers: brokers, Topic: topic, Now: clock.now, DeadLetters: &telemetry.DeadLetters{Brokers: letters, Spill: file},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3) {
		admit(t, p, "t", i, i+1)
		until(t, p, "spilled", func(a telemetry.Accounts) bool { clock.jump(); return a.Spilled == i+1 })
	}
	for i := range uint64(3) {
		e := reward("t", 3+i)
		e.Body = telemetry.ToolCall{Tool: "x", Output: make([]byte, 4096)}
		if err := p.Admit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		clock.jump()
	}
	a, err := p.Close(deadline(t, 200*time.Millisecond))
	if !errors.Is(err, telemetry.ErrUndelivered) {
		t.Errorf("Close says %v", err)
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("accounts: %s\n", text)
}
