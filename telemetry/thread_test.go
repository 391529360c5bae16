package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
)

func TestThreadCountsItsEventsAndNamesItsLastOffsets(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 3)
	// A balancer that scatters a thread: its positions are then several.
	p := b.newProducer(t, func(c *telemetry.Config) { c.Balancer = &kafka.RoundRobin{} })
	thread := telemetry.NewThread(p, "job/1/2/3/n")
	ctx := t.Context()
	steps := []error{
		thread.Start(ctx, "task-1", telemetry.Attribute{Key: "lang", Value: "go"}),
		thread.Decide(ctx, "move", telemetry.Decision{Width: 1, Features: []float32{1, 2}, Chosen: 1, LogProb: -0.5}),
		thread.Record(ctx, "calculator", telemetry.ToolCall{Tool: "add"}),
		thread.Reward(ctx, 1),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	summary, err := thread.End(deadline(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := thread.End(ctx); err != nil || !reflect.DeepEqual(again, summary) {
		t.Errorf("a second End says %+v, %v, the first %+v", again, err, summary)
	}
	if err := thread.Reward(ctx, 2); !errors.Is(err, telemetry.ErrEnded) {
		t.Errorf("Reward after End says %v", err)
	}
	want := telemetry.Summary{Events: 5}
	seen := make(map[uint64]string)
	for number, messages := range b.readAll(t) {
		last := messages[len(messages)-1]
		want.Acknowledged = append(want.Acknowledged, telemetry.Position{Partition: number, Offset: last.offset})
		for _, m := range messages {
			seen[m.event.Index] = fmt.Sprintf("%s %T", m.event.Name, m.event.Body)
		}
	}
	if !reflect.DeepEqual(summary, want) {
		t.Errorf("summary is %+v, the log says %+v", summary, want)
	}
	if got := fmt.Sprint(seen); got != "map[0:start telemetry.Start 1:move telemetry.Decision 2:calculator telemetry.ToolCall 3:reward telemetry.Reward 4:end telemetry.End]" {
		t.Errorf("the log has %s", got)
	}
}

func TestThreadFlushReportsItsOwnFailuresOnly(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, nil)
	good, bad := telemetry.NewThread(p, "good"), telemetry.NewThread(p, "bad")
	if err := good.Start(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if positions, err := good.Flush(deadline(t, 10*time.Second)); err != nil || len(positions) != 1 {
		t.Fatal(positions, err)
	}
	b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.PolicyViolation})
	if err := bad.Start(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if positions, err := bad.Flush(deadline(t, 10*time.Second)); !errors.Is(err, telemetry.ErrUndelivered) || positions != nil {
		t.Errorf("flush of the thread that failed says %v, %v", positions, err)
	}
	if _, err := good.End(deadline(t, 10*time.Second)); err != nil {
		t.Errorf("End of the other thread says %v", err)
	}
	if _, err := p.Flush(deadline(t, 10*time.Second)); !errors.Is(err, telemetry.ErrUndelivered) {
		t.Errorf("Flush of the producer says %v", err)
	}
}

func TestThreadFlushGivesUpAtItsDeadline(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	b.hang()
	p := b.newProducer(t, nil)
	thread := telemetry.NewThread(p, "t")
	if err := thread.Start(deadline(t, 30*time.Second), "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := thread.Flush(deadline(t, 30*time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Flush says %v", err)
	}
	if a := p.Accounts(); a.Queued != 1 || !a.Balanced() {
		t.Errorf("accounts are %+v", a)
	}
	if _, err := p.Close(deadline(t, time.Millisecond)); !errors.Is(err, telemetry.ErrUndelivered) {
		t.Error(err)
	}
}

// A refused event takes no index; an event dropped by choice leaves its hole.
func TestThreadIndexShowsADropAndNoRefusal(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, func(c *telemetry.Config) { c.QueueEvents, c.WhenFull, c.Linger = 1, telemetry.Drop, time.Hour })
	thread := telemetry.NewThread(p, "t")
	ctx := t.Context()
	if err := thread.Decide(ctx, "bad", telemetry.Decision{}); !errors.Is(err, telemetry.ErrInvalidEvent) {
		t.Fatal(err)
	}
	if err := thread.Record(ctx, "end", telemetry.End{Events: 1}); !errors.Is(err, telemetry.ErrInvalidEvent) {
		t.Fatal(err)
	}
	if err := thread.Reward(ctx, 1); err != nil { // lingers
		t.Fatal(err)
	}
	if err := thread.Reward(ctx, 2); !errors.Is(err, telemetry.ErrDropped) {
		t.Fatal(err)
	}
	if _, err := thread.Flush(deadline(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if summary, err := thread.End(deadline(t, 10*time.Second)); err != nil || summary.Events != 3 {
		t.Fatal(summary, err)
	}
	var indices []uint64
	for _, m := range b.readAll(t)[0] {
		indices = append(indices, m.event.Index)
	}
	if !reflect.DeepEqual(indices, []uint64{0, 2}) {
		t.Errorf("the log has indices %v, want 0 and 2", indices)
	}
}

// T8: an error event says what failed, down its chain.
func TestEndSaysWhetherTheThreadWasCutOff(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, nil)
	for id, truncated := range map[string]bool{"whole": false, "cut": true} {
		thread := telemetry.NewThread(p, id)
		if truncated {
			if err := thread.Truncate(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := thread.End(deadline(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	ends := map[string]telemetry.Body{}
	for _, m := range b.readAll(t)[0] {
		ends[m.event.Thread] = m.event.Body
	}
	if ends["whole"] != (telemetry.End{Events: 1}) || ends["cut"] != (telemetry.End{Events: 1, Truncated: true}) {
		t.Errorf("the log has %v", ends)
	}
}

func TestFailRecordsClassMessageAndCauses(t *testing.T) {
	t.Parallel()
	deep := fmt.Errorf("call tool: %w", fmt.Errorf("dial: %w", errors.New("\xffreset")))
	long := errors.New(strings.Repeat("x", 10000))
	for _, c := range []struct {
		err     error
		class   string
		message string
		causes  int
	}{
		{deep, "*errors.errorString", "call tool: ", 2},
		{errors.Join(long, deep), "*errors.joinError", "xxxx", 4},
		{nil, "unknown", "", 0},
	} {
		b := startBroker(t, 1)
		p := b.newProducer(t, nil)
		thread := telemetry.NewThread(p, "t")
		if err := thread.Fail(t.Context(), "plan", c.err); err != nil {
			t.Fatal(err)
		}
		if _, err := thread.End(deadline(t, 10*time.Second)); err != nil {
			t.Fatal(err)
		}
		got, ok := b.readAll(t)[0][0].event.Body.(telemetry.Error)
		if !ok || got.Class != c.class || !strings.HasPrefix(got.Message, c.message) || len(got.Causes) != c.causes || got.Node != "plan" {
			t.Errorf("%v was recorded as %+v", c.err, got)
		}
	}
}
