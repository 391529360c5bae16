package main

import (
	"context"
	"errors"

	"github.com/cohort-rl/cohort/api"
)

// maxPage is how many jobs a server gives at a time.
const maxPage = 200

type jobsCommand struct {
	Limit int `default:"50" placeholder:"N" help:"Show the N newest; 0 shows all (${default})."`
	formatFlag
	serverFlags
}

// Run lists the jobs.
func (c *jobsCommand) Run(ctx context.Context, s *streams) error {
	if c.Limit < 0 {
		return usage(errors.New("--limit must be 0 or more"))
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	jobs := []api.Job{}
	for after := ""; ; {
		want := 0
		if c.Limit > 0 {
			want = min(c.Limit-len(jobs), maxPage)
		}
		page, next, err := client.Jobs(ctx, want, after)
		if err != nil {
			return err
		}
		jobs = append(jobs, page...)
		if next == "" || (c.Limit > 0 && len(jobs) >= c.Limit) {
			return c.printAll(s.out, jobs)
		}
		after = next
	}
}
