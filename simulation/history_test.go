package simulation_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// history is what happened in a run.
type history struct {
	began time.Time
	mu    sync.Mutex // guards lines
	lines []line
}

type line struct {
	at             time.Duration
	by, what, came string
	key            string // of the object that it was done to
	said           bool   // by a logger: its place among others of its moment means nothing
}

func (h *history) add(by, what, came string) { h.put(line{by: by, what: what, came: came}) }

func (h *history) put(l line) {
	l.at = time.Since(h.began)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, l)
}

// String is the history for people, without the many sleeps.
func (h *history) String() string {
	var b strings.Builder
	for _, l := range h.lines {
		if !strings.HasPrefix(l.what, "sleep ") {
			fmt.Fprintf(&b, "%10.4fs  %-16s %-60s %s\n", l.at.Seconds(), l.by, l.what+short(l.key), l.came)
		}
	}
	return b.String()
}

// picks are the lines that are a function of the seed alone.
func (h *history) picks() []string {
	var all []string
	for _, l := range h.lines {
		if !l.said {
			all = append(all, fmt.Sprintf("%v %s %s %s", l.at, l.by, l.what+short(l.key), l.came))
		}
	}
	return all
}

// said is a logger's handler that writes what a process says into the history.
type said struct {
	slog.Handler
	history *history
	by      string
}

func (s said) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }

func (s said) WithAttrs([]slog.Attr) slog.Handler { return s }

func (s said) WithGroup(string) slog.Handler { return s }

func (s said) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	s.history.put(line{by: s.by, what: "says: " + text, said: true})
	return nil
}
