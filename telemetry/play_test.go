package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/redact"
)

// budget is an error that names its class.
type budget struct{}

func (budget) Error() string      { return "the budget is spent" }
func (budget) ErrorClass() string { return "over\nbudget" }

// kinds of errors in which an agent can end.
func kinds() map[string]struct {
	play func(ctx context.Context) error
	want telemetry.Error // without durations
} {
	type kind = struct {
		play func(ctx context.Context) error
		want telemetry.Error
	}
	missing := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}
	wrapped := fmt.Errorf("read notes: %w", missing)
	returns := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	notes := []telemetry.Cause{{Class: "*fs.PathError", Message: "open x: file does not exist"}, {Class: "*errors.errorString", Message: "file does not exist"}}
	chain := errors.New("deep")
	var links []telemetry.Cause
	for i := range 30 {
		if i >= 15 {
			links = append([]telemetry.Cause{{Class: "*fmt.wrapError", Message: chain.Error()}}, links...)
		}
		chain = fmt.Errorf("%d: %w", i, chain)
	}
	links = append(links, telemetry.Cause{Class: "more causes", Message: "and 15 more"})
	return map[string]kind{
		"plain":   {returns(errors.New("boom")), telemetry.Error{Class: "*errors.errorString", Message: "boom"}},
		"wrapped": {returns(wrapped), telemetry.Error{Class: "*fs.PathError", Message: wrapped.Error(), Causes: notes}},
		"joined": {returns(errors.Join(wrapped, budget{})), telemetry.Error{
			Class: "*errors.joinError", Message: wrapped.Error() + "\nthe budget is spent",
			Causes: append(append([]telemetry.Cause{{Class: "*fmt.wrapError", Message: wrapped.Error()}}, notes...),
				telemetry.Cause{Class: "telemetry_test.budget", Message: "the budget is spent"}),
		}},
		"several wrapped": {returns(fmt.Errorf("%w, and %w", missing, budget{})), telemetry.Error{
			Class: "*fmt.wrapErrors", Message: "open x: file does not exist, and the budget is spent",
			Causes: append(append([]telemetry.Cause(nil), notes...), telemetry.Cause{Class: "telemetry_test.budget", Message: "the budget is spent"}),
		}},
		"class of its own": {returns(fmt.Errorf("plan: %w", budget{})), telemetry.Error{
			Class: "over budget", Message: "plan: the budget is spent", Causes: []telemetry.Cause{{Class: "telemetry_test.budget", Message: "the budget is spent"}},
		}},
		"deep chain": {returns(chain), telemetry.Error{Class: "*errors.errorString", Message: chain.Error(), Causes: links}},
		"secret":     {returns(errors.New("GET http://a:b@c: 401")), telemetry.Error{Class: "*errors.errorString", Message: "GET http://a:[redacted]@c: 401"}},
		"no UTF-8":   {returns(errors.New("a\xffb")), telemetry.Error{Class: "*errors.errorString", Message: "ab"}},
		"deadline": {func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx.Err()
		}, telemetry.Error{Class: "*errors.errorString", Message: "context canceled"}},
		"node": {func(ctx context.Context) error {
			return telemetry.Node(ctx, "plan", func(ctx context.Context) error {
				return fmt.Errorf("no plan: %w", telemetry.Node(ctx, "read", returns(wrapped)))
			})
		}, telemetry.Error{Class: "*fs.PathError", Message: wrapped.Error(), Causes: notes, Node: "plan/read", Attempt: 1}},
		"tool": {func(ctx context.Context) error {
			_, err := telemetry.Tool(ctx, "read", "x", func(context.Context, string) (string, error) { return "", missing })
			return err
		}, telemetry.Error{Class: "*fs.PathError", Message: missing.Error(), Causes: notes[1:], Node: "read", Attempt: 1}},
		"model": {func(ctx context.Context) error {
			_, err := telemetry.Model(ctx, "small", nil, func(context.Context, []uint32) (telemetry.Completion, error) {
				return telemetry.Completion{}, budget{}
			})
			return err
		}, telemetry.Error{Class: "over budget", Message: "the budget is spent", Node: "small", Attempt: 1}},
		"panic":             {func(context.Context) error { panic("nil map, token=abc") }, telemetry.Error{Class: "panic", Message: "nil map, token=[redacted]"}},
		"panic of an error": {func(context.Context) error { panic(missing) }, telemetry.Error{Class: "panic", Message: missing.Error(), Causes: notes}},
		"panic in a node": {func(ctx context.Context) error {
			return telemetry.Node(ctx, "plan", func(ctx context.Context) error {
				return telemetry.Node(ctx, "read", func(context.Context) error { panic(42) })
			})
		}, telemetry.Error{Class: "panic", Message: "42", Node: "plan/read", Attempt: 1}},
		"exit": {func(context.Context) error { runtime.Goexit(); return nil }, telemetry.Error{Class: "exit", Message: "the goroutine was ended"}},
	}
}

// T8: whatever an agent ends in reaches the reader, once, and an end follows.
func TestEveryKindOfErrorReachesTheReaderAndAnEndFollows(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 3)
	p := b.newProducer(t, nil)
	var playing sync.WaitGroup
	for id, kind := range kinds() {
		playing.Go(func() { // Goexit ends this goroutine.
			defer func() {
				if raised := recover() != nil; raised != strings.HasPrefix(id, "panic") {
					t.Errorf("%s: raised again: %t", id, raised)
				}
			}()
			summary, err := telemetry.Run(deadline(t, time.Minute), p, id, "task", kind.play)
			if err == nil || summary.Events < 3 || len(summary.Acknowledged) != 1 {
				t.Errorf("%s: summary %+v, error %v", id, summary, err)
			}
		})
	}
	playing.Wait()
	threads := map[string][]telemetry.Event{}
	for _, messages := range b.readAll(t) {
		for _, m := range messages {
			threads[m.event.Thread] = append(threads[m.event.Thread], m.event)
		}
	}
	for id, kind := range kinds() {
		events := threads[id]
		if len(events) < 3 || (len(events) > 3) != (id == "tool") {
			t.Errorf("%s: %d events: %+v", id, len(events), events)
			continue
		}
		failed, end := events[len(events)-2], events[len(events)-1]
		got, _ := failed.Body.(telemetry.Error)
		if got.Duration <= 0 {
			t.Errorf("%s: duration %s", id, got.Duration)
		}
		got.Duration = 0
		if !reflect.DeepEqual(got, kind.want) {
			t.Errorf("%s: got\n%+v, want\n%+v", id, got, kind.want)
		}
		if end.Body != (telemetry.End{Events: uint64(len(events))}) {
			t.Errorf("%s: ends with %+v", id, end)
		}
		if strings.HasPrefix(id, "panic") {
			wantStack(t, id, failed.Attributes)
		}
	}
}

// wantStack wants the stack of a panic to begin where it was raised and to end
// below the test's own code.
func wantStack(t *testing.T, id string, attributes []telemetry.Attribute) {
	t.Helper()
	if len(attributes) != 1 || attributes[0].Key != "stack" {
		t.Errorf("%s: attributes %v", id, attributes)
		return
	}
	first, _, _ := strings.Cut(attributes[0].Value, "\n")
	if !strings.Contains(first, "telemetry_test.") || strings.Contains(attributes[0].Value, "telemetry.guard") {
		t.Errorf("%s: stack\n%s", id, attributes[0].Value)
	}
}

// An error that a node recorded is not recorded again, one beside it is.
func TestErrorIsRecordedOnce(t *testing.T) {
	t.Parallel()
	var sink telemetry.Memory
	other := errors.New("other")
	_, err := telemetry.Run(t.Context(), &sink, "t", "x", func(ctx context.Context) error {
		inner := telemetry.Node(ctx, "a", func(context.Context) error { return errors.New("first") })
		if err := telemetry.Node(ctx, "a", func(context.Context) error { return nil }); err != nil {
			t.Error(err)
		}
		again := telemetry.Node(ctx, "a", func(context.Context) error { return errors.New("second") })
		return errors.Join(fmt.Errorf("around: %w", inner), again, other)
	})
	if !errors.Is(err, other) {
		t.Error(err)
	}
	var said []string
	for _, e := range sink.Events() {
		if b, ok := e.Body.(telemetry.Error); ok {
			said = append(said, fmt.Sprintf("%s %d %q", b.Node, b.Attempt, b.Message))
		}
	}
	want := []string{`a 1 "first"`, `a 1 "second"`, ` 0 "around: a: first\na: second\nother"`}
	if !reflect.DeepEqual(said, want) {
		t.Errorf("recorded were %q, want %q", said, want)
	}
}

// A recovered panic does not hide the next one.
func TestEachPanicIsRecorded(t *testing.T) {
	t.Parallel()
	var sink telemetry.Memory
	_, err := telemetry.Run(t.Context(), &sink, "t", "x", func(ctx context.Context) error {
		for i := range 2 {
			func() {
				defer func() { _ = recover() }()
				_ = telemetry.Node(ctx, "a", func(context.Context) error { panic(i) })
			}()
			if err := telemetry.FromContext(ctx).Reward(ctx, 1); err != nil {
				return err
			}
		}
		return nil
	})
	var said []string
	for _, e := range sink.Events() {
		said = append(said, e.Kind())
	}
	if got := strings.Join(said, " "); err != nil || got != "start error reward error reward end" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestMisuseIsAnError(t *testing.T) {
	t.Parallel()
	var sink telemetry.Memory
	none := t.Context()
	call := func(context.Context) error { t.Error("called"); return nil }
	tool := func(context.Context, any) (int, error) { t.Error("called"); return 0, nil }
	open, err := telemetry.Open(none, &sink, "open", "x")
	if err != nil {
		t.Fatal(err)
	}
	ended, err := telemetry.Open(none, &sink, "ended", "x")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := telemetry.FromContext(ended).End(ended); err != nil {
		t.Fatal(err)
	}
	recorded := len(sink.Events())
	wantIs := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", what, err, want)
		}
	}
	for ctx, want := range map[context.Context]error{none: telemetry.ErrNoThread, ended: telemetry.ErrEnded} {
		thread := telemetry.FromContext(ctx)
		wantIs("node", telemetry.Node(ctx, "a", call), want)
		_, err := telemetry.Tool(ctx, "a", any(1), tool)
		wantIs("tool", err, want)
		_, err = telemetry.Model(ctx, "a", nil, func(context.Context, []uint32) (telemetry.Completion, error) {
			t.Error("called")
			return telemetry.Completion{}, nil
		})
		wantIs("model", err, want)
		wantIs("reward", thread.Reward(ctx, 1), want)
		wantIs("fail", thread.Fail(ctx, "a", err), want)
		wantIs("decide", thread.Decide(ctx, "a", telemetry.Decision{}), want)
		wantIs("truncate", thread.Truncate(), want)
	}
	_, err = telemetry.FromContext(none).End(none)
	wantIs("end", err, telemetry.ErrNoThread)
	_, err = telemetry.FromContext(none).Flush(none)
	wantIs("flush", err, telemetry.ErrNoThread)
	wantIs("thread without a sink", telemetry.NewThread(nil, "t").Reward(none, 1), telemetry.ErrNoThread)

	invalid := telemetry.ErrInvalidEvent
	wantIs("no function", telemetry.Node(open, "a", nil), invalid)
	wantIs("no name", telemetry.Node(open, "", call), invalid)
	wantIs("long name", telemetry.Node(open, strings.Repeat("a", 513), call), invalid)
	wantIs("name with a line", telemetry.Node(open, "a\nb", call), invalid)
	_, err = telemetry.Tool(open, "a", any(make(chan int)), tool)
	wantIs("input that is no JSON", err, invalid)
	_, err = telemetry.Run(none, &sink, "t", "x", nil)
	wantIs("nothing to run", err, invalid)
	_, err = telemetry.Open(none, &sink, "", "x")
	wantIs("thread without an id", err, invalid)
	if n := len(sink.Events()); n != recorded {
		t.Errorf("%d events were recorded", n-recorded)
	}
	_, err = telemetry.Model(open, "a", nil, func(context.Context, []uint32) (telemetry.Completion, error) {
		return telemetry.Completion{Response: []uint32{1}}, nil
	})
	wantIs("response without log-probabilities", err, invalid)
}

func TestLargeInputIsCutAndSaysSo(t *testing.T) {
	t.Parallel()
	sink := telemetry.Memory{Redact: redact.Redactor{Keys: []string{}}}
	size := telemetry.DefaultLimits().EventBytes
	_, err := telemetry.Run(t.Context(), &sink, "t", "x", func(ctx context.Context) error {
		out, err := telemetry.Tool(ctx, "double", make([]byte, size), func(_ context.Context, in []byte) ([]byte, error) { return append(in, in...), nil })
		if len(out) != 2*size {
			t.Errorf("the caller gets %d bytes", len(out))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	event := sink.Events()[1]
	body := event.Body.(telemetry.ToolCall)
	want := []telemetry.Attribute{{Key: telemetry.CutInputAttribute, Value: fmt.Sprint(size)}, {Key: telemetry.CutOutputAttribute, Value: fmt.Sprint(2 * size)}}
	if len(body.Input) != size/4 || len(body.Output) != size/4 || !reflect.DeepEqual(event.Attributes, want) {
		t.Errorf("%d and %d bytes with %v", len(body.Input), len(body.Output), event.Attributes)
	}
}

func TestAttributesAndToolsAreRecordedWithoutSecrets(t *testing.T) {
	t.Parallel()
	sink := telemetry.Memory{Redact: redact.Redactor{Keys: []string{"pin"}}}
	_, err := telemetry.Run(t.Context(), &sink, "t", "x", func(ctx context.Context) error {
		_, err := telemetry.Tool(ctx, "pay", map[string]any{"pin": 1234, "sum": 7}, func(context.Context, map[string]any) (string, error) { return "PIN: 1234, paid", nil })
		return err
	}, telemetry.Attribute{Key: "card.pin", Value: "1234"}, telemetry.Attribute{Key: "user", Value: "ann"})
	var text string
	for _, e := range sink.Events() {
		text += e.Summary() + fmt.Sprint(e.Attributes)
	}
	if err != nil || strings.Contains(text, "1234") || strings.Count(text, "[redacted]") != 3 || !strings.Contains(text, "ann") {
		t.Errorf("recorded was %s, %v", text, err)
	}
}

// Nobody waits for a broker that was lost.
func TestRunThatLostItsBrokerIsNotHeldUp(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, nil)
	b.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.PolicyViolation})
	_, err := telemetry.Run(t.Context(), p, "t", "x", func(ctx context.Context) error {
		_, err := telemetry.FromContext(ctx).Flush(ctx)
		b.hang()
		return err
	})
	if !errors.Is(err, telemetry.ErrUndelivered) || !errors.Is(err, context.Canceled) {
		t.Errorf("Run says %v", err)
	}
	_, _ = p.Close(deadline(t, time.Millisecond))
}

// An attempt whose time is over is recorded to its end.
func TestRunEndsTheThreadAfterItsContext(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	summary, err := telemetry.Run(ctx, p, "t", "x", func(ctx context.Context) error { cancel(); return ctx.Err() })
	if !errors.Is(err, context.Canceled) || summary.Events != 3 || len(summary.Acknowledged) != 1 {
		t.Errorf("%+v, %v", summary, err)
	}
}

// A thread whose end the log does not take in time is undelivered, as whoever
// answers for it must know: it lost its broker, and did not fail.
func TestRunWhoseEndIsNotAcknowledgedIsUndelivered(t *testing.T) {
	t.Parallel()
	b := startBroker(t, 1)
	p := b.newProducer(t, nil)
	b.hang()
	_, err := telemetry.Run(t.Context(), p, "t", "x", func(context.Context) error { return nil })
	if !errors.Is(err, telemetry.ErrUndelivered) {
		t.Errorf("Run says %v, want ErrUndelivered", err)
	}
	_, _ = p.Close(deadline(t, time.Millisecond))
}
