package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/cmd/internal/watch"
	"github.com/cohort-rl/cohort/job"
)

type watchCommand struct {
	jobFlags
	serverFlags
}

// Run follows the job until it ends, and fails if it does.
func (c *watchCommand) Run(ctx context.Context, s *streams) error {
	id, client, err := jobAt(c.jobFlags, c.serverFlags)
	if err != nil {
		return err
	}
	defer client.Close()
	_, err = follow(ctx, client, id, s.out, c.hint())
	return err
}

// follow shows a job until it ends or the user leaves, and returns what it was
// last. A job that did not get done is an error.
func follow(ctx context.Context, client *api.Client, id job.ID, out io.Writer, hint string) (api.Job, error) {
	events := func(ctx context.Context, handle func(api.Event) error) error {
		return client.Watch(ctx, id, 0, handle)
	}
	j, err := watch.Run(ctx, out, events, watch.Detect(out, os.Getenv))
	switch {
	case err != nil:
		return j, explain(id, err)
	case !j.State.Ended():
		_, err = fmt.Fprintf(out, "Stopped watching; the job goes on. Follow it again: cohort watch %s%s\n", id, hint)
		return j, err
	case j.State == api.StateDone:
		return j, nil
	}
	if j.Reason == "" {
		return j, fmt.Errorf("job %s is %s", id, j.State)
	}
	if j.Remedy == "" {
		return j, fmt.Errorf("job %s is %s: %s", id, j.State, j.Reason)
	}
	return j, fmt.Errorf("job %s is %s: %s: %s", id, j.State, j.Reason, j.Remedy)
}
