package main

import (
	"context"
	"fmt"
)

type pauseCommand struct {
	jobFlags
	Reason string `placeholder:"TEXT" help:"Why, to be shown while the job stands still."`
	serverFlags
}

// Help says what stands still.
func (pauseCommand) Help() string {
	return "Workers put the job's shards down within a second and take no more of them, and its deadlines stand still. " +
		"What is settled stays settled: nothing is lost, and the job comes to the same checkpoints. cohort resume lets it go on, cohort cancel ends it."
}

// Run asks the job to stand still.
func (c *pauseCommand) Run(ctx context.Context, s *streams) error {
	id, client, err := jobAt(c.jobFlags, c.serverFlags)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := client.Pause(ctx, id, c.Reason); err != nil {
		return explain(id, err)
	}
	_, err = fmt.Fprintf(s.out, "Job %s was asked to stand still. Let it go on: cohort resume %s%s\n", id, id, c.hint())
	return err
}

type resumeCommand struct {
	jobFlags
	Reason string `placeholder:"TEXT" help:"Why, to be kept with the request."`
	serverFlags
}

// Run asks the job to go on.
func (c *resumeCommand) Run(ctx context.Context, s *streams) error {
	id, client, err := jobAt(c.jobFlags, c.serverFlags)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := client.Resume(ctx, id, c.Reason); err != nil {
		return explain(id, err)
	}
	_, err = fmt.Fprintf(s.out, "Job %s was asked to go on. See it: cohort watch %s%s\n", id, id, c.hint())
	return err
}
