package watch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/cmd/internal/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source hands over events and then waits for ctx, unless one is an end.
func source(events ...api.Event) watch.Source {
	return func(ctx context.Context, handle func(api.Event) error) error {
		for _, e := range events {
			if err := handle(e); err != nil {
				return err
			}
			if e.Kind == api.EventEnd {
				return nil
			}
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}
}

func done() api.Event {
	j := running(50)
	j.State = api.StateDone
	return api.Event{Kind: api.EventEnd, Job: &j}
}

func TestElsewhereThanOnATerminalThereIsALineForEachThing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if o := watch.Detect(&out, func(string) string { return "" }); o.Live || o.Color {
		t.Fatalf("a buffer is taken for a terminal: %+v", o)
	}
	j, err := watch.Run(t.Context(), &out, source(begin(), head(running(0)), commit(1), done()), watch.Options{})
	if err != nil || j.State != api.StateDone {
		t.Fatalf("job %+v, %v", j, err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 4 || strings.Contains(out.String(), "\x1b") {
		t.Errorf("wrote %q", out.String())
	}
}

func TestEndOfTheContextIsNoError(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		events := func(ctx context.Context, handle func(api.Event) error) error {
			return source(head(running(3)))(ctx, func(e api.Event) error {
				defer cancel()
				return handle(e)
			})
		}
		j, err := watch.Run(ctx, io.Discard, events, watch.Options{Live: live, In: strings.NewReader("")})
		if err != nil || j.State != api.StateRunning {
			t.Errorf("live %v: job %+v, %v", live, j, err)
		}
	}
}

func TestLiveViewEndsWithTheJob(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	j, err := watch.Run(t.Context(), &out, source(begin(), head(running(0)), commit(1), done()), watch.Options{Live: true, In: strings.NewReader("")})
	if err != nil || j.State != api.StateDone {
		t.Fatalf("job %+v, %v", j, err)
	}
	if !strings.Contains(out.String(), "countdown-1") {
		t.Errorf("wrote %q", out.String())
	}
}

func TestKeyLeavesAndTheJobGoesOn(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"q", "\x03"} {
		in, typed := io.Pipe()
		events := func(ctx context.Context, handle func(api.Event) error) error {
			return source(head(running(3)))(ctx, func(e api.Event) error {
				defer func() { _, _ = io.WriteString(typed, key) }()
				return handle(e)
			})
		}
		j, err := watch.Run(t.Context(), io.Discard, events, watch.Options{Live: true, In: in})
		if err != nil || j.State != api.StateRunning {
			t.Errorf("%q: job %+v, %v", key, j, err)
		}
		_ = typed.Close()
	}
}

func TestFailureOfTheSourceIsReturned(t *testing.T) {
	t.Parallel()
	unknown := errors.New("unknown job")
	for _, live := range []bool{false, true} {
		events := func(context.Context, func(api.Event) error) error { return unknown }
		if _, err := watch.Run(t.Context(), io.Discard, events, watch.Options{Live: live, In: strings.NewReader("")}); !errors.Is(err, unknown) {
			t.Errorf("live %v: %v", live, err)
		}
	}
}
