package telemetry_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/state"
)

func memory(n int) any {
	return map[string]any{"n": n, "text": strings.Repeat("long ", 20)}
}

// readStates rebuilds the states of the log's only partition and says of each
// event how it came.
func readStates(t *testing.T, b *broker, r *state.Reader) []string {
	t.Helper()
	var got []string
	for _, m := range b.readAll(t)[0] {
		s, ok := m.event.Body.(telemetry.State)
		if !ok {
			continue
		}
		text, err := r.Read(m.event.Index, m.event.Name, state.Change(s))
		what := fmt.Sprintf("%d: version %d kind %d reason %d", m.event.Index, s.Version, s.Kind, s.Reason)
		if text == nil || err != nil {
			what += fmt.Sprint(" ", text != nil, errors.Unwrap(err))
		}
		got = append(got, what)
	}
	return got
}

// T3: what the queue dropped by choice, or did not take, is no base.
func TestStateThatWasNotAdmittedIsNoBase(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, func(c *telemetry.Config) { c.QueueEvents, c.WhenFull, c.Linger = 1, telemetry.Drop, time.Hour })
	thread := telemetry.NewThread(p, "t")
	for n := range 6 {
		err := thread.State(t.Context(), "memory", memory(n)) // lingers, so that the next one is dropped
		switch {
		case n == 2:
			if !errors.Is(err, telemetry.ErrDropped) {
				t.Fatal(err)
			}
			if _, err := thread.Flush(deadline(t, 10*time.Second)); err != nil {
				t.Fatal(err)
			}
		case err != nil:
			t.Fatal(n, err)
		case n != 1:
			if _, err := thread.Flush(deadline(t, 10*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := thread.State(t.Context(), "memory", make(chan int)); !errors.Is(err, state.ErrInvalid) {
		t.Errorf("a channel: %v", err)
	}
	if err := thread.State(t.Context(), "memory", strings.Repeat("x", 768<<10)); !errors.Is(err, state.ErrTooLarge) {
		t.Errorf("too large a state: %v", err)
	}
	mustClose(t, p)
	r := state.NewReader("t", state.DefaultLimits())
	want := "0: version 1 kind 1 reason 1, 1: version 2 kind 2 reason 0, 3: version 3 kind 1 reason 3, 4: version 4 kind 2 reason 0, 5: version 5 kind 2 reason 0"
	if got := strings.Join(readStates(t, b, r), ", "); got != want || r.First() != nil {
		t.Errorf("the log has\n%s\nwant\n%s\nbreak: %v", got, want, r.First())
	}
	if got := p.States(); got != (state.Counts{Patches: 3, First: 1, AfterFailure: 1, Refused: 3}) {
		t.Errorf("counted %+v", got)
	}
}

// T3: a version that was admitted and then given up is missing in the log: the
// next one is whole, and the reader says what is missing.
func TestStateThatWasNotDeliveredIsFollowedByAKeyFrame(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, nil)
	thread := telemetry.NewThread(p, "t")
	for n := range 4 {
		if n == 1 {
			b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.PolicyViolation})
		}
		if err := thread.State(t.Context(), "memory", memory(n)); err != nil {
			t.Fatal(err)
		}
		if _, err := thread.Flush(deadline(t, 10*time.Second)); n == 0 && err != nil || n == 1 && !errors.Is(err, telemetry.ErrUndelivered) {
			t.Fatal(n, err)
		}
	}
	if _, err := p.Flush(deadline(t, 10*time.Second)); !errors.Is(err, telemetry.ErrUndelivered) {
		t.Error(err)
	}
	r := state.NewReader("t", state.DefaultLimits())
	want := "0: version 1 kind 1 reason 1, 2: version 3 kind 1 reason 3 true " + state.ErrMissing.Error() + ", 3: version 4 kind 2 reason 0"
	if got := strings.Join(readStates(t, b, r), ", "); got != want {
		t.Errorf("the log has\n%s\nwant\n%s", got, want)
	}
	if first := r.First(); first == nil || first.Index != 2 || first.Thread != "t" {
		t.Errorf("first break is %v", first)
	}
}

func TestThreadHasSoManyStates(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, func(c *telemetry.Config) {
		c.Limits = telemetry.DefaultLimits()
		c.Limits.State.Names = 1
	})
	thread := telemetry.NewThread(p, "t")
	if err := thread.State(t.Context(), "memory", 1); err != nil {
		t.Fatal(err)
	}
	if err := thread.State(t.Context(), "plan", 1); !errors.Is(err, state.ErrTooLarge) {
		t.Errorf("a second name: %v", err)
	}
	if _, err := thread.End(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := thread.State(t.Context(), "memory", 2); !errors.Is(err, telemetry.ErrEnded) {
		t.Errorf("a state after the end: %v", err)
	}
}
