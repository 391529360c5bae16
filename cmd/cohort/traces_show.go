package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cohort-rl/cohort/cmd/internal/watch"
	"github.com/cohort-rl/cohort/traces/threads"
)

type tracesShowCommand struct {
	Thread string `arg:"" help:"Id of the thread, or how it begins; a trace id too."`
	tracesFrom
	Full   bool   `help:"Show texts whole, and every span."`
	Output string `short:"o" default:"text" enum:"text,json" placeholder:"FORM" help:"Form of what is printed: ${enum} (${default}); json has everything."`
}

// Run prints the thread.
func (c *tracesShowCommand) Run(ctx context.Context, s *streams) error {
	all, report, found, err := c.indexed(ctx, s, func(id string) bool { return strings.HasPrefix(id, c.Thread) })
	if err == nil && !found {
		all, report, err = c.read(ctx, s, c.matches)
	}
	if err != nil {
		return err
	}
	t, err := c.find(all)
	if err != nil {
		return errors.Join(err, whole(&report))
	}
	if c.Output == "json" {
		return errors.Join(printJSON(s.out, t), whole(&report))
	}
	page := &threadPage{full: c.Full, color: watch.Detect(s.out, os.Getenv).Color, start: t.Start}
	page.thread(t)
	_, err = s.out.Write([]byte(page.text.String()))
	return errors.Join(err, whole(&report))
}

// matches reports whether the id of a thread, or of one of its traces, begins
// like that.
func (c *tracesShowCommand) matches(t *threads.Thread) bool {
	begins := strings.HasPrefix(t.ID, c.Thread)
	for _, id := range t.Traces {
		begins = begins || strings.HasPrefix(id, strings.ToLower(c.Thread))
	}
	return begins
}

// find is the one thread of that id, or the one whose id, or trace's id, begins
// like that.
func (c *tracesShowCommand) find(all []threads.Thread) (*threads.Thread, error) {
	var found []*threads.Thread
	for i := range all {
		t := &all[i]
		if t.ID == c.Thread {
			return t, nil
		}
		if c.matches(t) {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("thread %s: there is none of this id among %d; `cohort traces list` has them", c.Thread, len(all))
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("thread %s: %d begin like this, such as %s and %s; give more of it", c.Thread, len(found), found[0].ID, found[1].ID)
}
