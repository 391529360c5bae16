package main

import (
	"context"
	"fmt"
)

type cancelCommand struct {
	jobFlags
	Reason string `placeholder:"TEXT" help:"Why, to be kept with the job's end."`
	serverFlags
}

// Run asks for the job's end.
func (c *cancelCommand) Run(ctx context.Context, s *streams) error {
	id, client, err := jobAt(c.jobFlags, c.serverFlags)
	if err != nil {
		return err
	}
	defer client.Close()
	j, err := client.Cancel(ctx, id, c.Reason)
	if err != nil {
		return explain(id, err)
	}
	if j.State.Ended() {
		_, err = fmt.Fprintf(s.out, "Job %s is %s.\n", id, j.State)
		return err
	}
	_, err = fmt.Fprintf(s.out, "Job %s was asked to end. See it end: cohort watch %s%s\n", id, id, c.hint())
	return err
}
