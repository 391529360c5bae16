package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/cmd/internal/services"
)

type submitCommand struct {
	File  string        `arg:"" complete:"file" help:"Job spec, in YAML."`
	Watch bool          `help:"Follow the job until it ends, and fail unless it is done."`
	Key   string        `placeholder:"TEXT" help:"Makes submitting again with the same key give the same job."`
	Wait  time.Duration `default:"10s" help:"How long to try again while the server says that it cannot take the job just now (${default})."`
	offlineFlags
	formatFlag
	serverFlags
}

// Run submits the job, and follows it if asked to.
func (c *submitCommand) Run(ctx context.Context, s *streams) error {
	f, err := readSpec(c.File)
	if err != nil {
		return err
	}
	if f.spec.IsOffline() {
		if err := c.offline(ctx, s, f); err != nil {
			return err
		}
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	j, created, err := c.submit(ctx, client, api.Submission{Key: c.Key, File: f.path, Spec: f.body, Data: f.data})
	if err != nil {
		return err
	}
	say := s.out
	if c.Output != formatTable {
		say = s.err
	}
	if c.Watch {
		if err := announce(say, j, created); err != nil {
			return err
		}
		last, err := follow(ctx, client, j.ID, say, c.hint())
		if c.Output == formatTable {
			return err
		}
		if last.ID != "" {
			j = last
		}
		if printErr := c.print(s.out, j); printErr != nil {
			return printErr
		}
		return err
	}
	if c.Output != formatTable {
		return c.print(s.out, j)
	}
	if err := announce(say, j, created); err != nil {
		return err
	}
	_, err = fmt.Fprintf(say, "Follow it: cohort watch %s%s\n", j.ID, c.hint())
	return err
}

// firstPause is how long to wait before trying again for the first time, and
// longestPause at most.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 2 * time.Second
)

// submit submits the job, again while the server answers that it cannot just
// now. A key makes all of it one submission, also if the user gave none.
func (c *submitCommand) submit(ctx context.Context, client *api.Client, s api.Submission) (j api.Job, created bool, err error) {
	if s.Key == "" {
		s.Key = "cli-" + services.Nonce()
	}
	waiting, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		j, created, err = client.Submit(ctx, s)
		said, ok := errors.AsType[*api.Error](err)
		if !ok || !said.Temporary() || (clock.System{}).Sleep(waiting, pause) != nil {
			return j, created || c.Key == "", err
		}
	}
}

// announce says which job there is now.
func announce(out io.Writer, j api.Job, created bool) error {
	text := fmt.Sprintf("Submitted job %s.\n", j.ID)
	if !created {
		text = fmt.Sprintf("Job %s was submitted before with this key; it is %s.\n", j.ID, j.State)
	}
	_, err := io.WriteString(out, text)
	return err
}
