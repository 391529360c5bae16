package main

import "context"

type statusCommand struct {
	jobFlags
	formatFlag
	serverFlags
}

// Run shows a job.
func (c *statusCommand) Run(ctx context.Context, s *streams) error {
	id, client, err := jobAt(c.jobFlags, c.serverFlags)
	if err != nil {
		return err
	}
	defer client.Close()
	j, err := client.Job(ctx, id)
	if err != nil {
		return explain(id, err)
	}
	return c.print(s.out, j)
}
