// Package demo trains the example agent on embedded services: the whole system
// in one process, the agent in a child.
package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/cmd/internal/daemon"
	"github.com/cohort-rl/cohort/cmd/internal/local"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
)

// Config says what is trained and where.
type Config struct {
	Dir     string
	Workers int
	Seed    uint64
	Steps   int
	// HeldOut is the number of held-out tasks that an evaluation attempts.
	HeldOut int
	// Policy is linear or mlp.
	Policy string
	// Start is the checkpoint to continue from, or empty.
	Start string
	// Tracing says where spans go.
	Tracing daemon.Tracing
	// Agent is the command that runs the example agent.
	Agent   []string
	Version string
	Logger  *slog.Logger
	// Stderr takes what the agent says.
	Stderr io.Writer
	// Follow shows the job's progress until it ends.
	Follow func(ctx context.Context, client *api.Client, id job.ID) error
}

// Summary is how the demo ended. Its JSON names are stable.
type Summary struct {
	Job        job.ID      `json:"job"`
	State      api.State   `json:"state"`
	Steps      int         `json:"steps"`
	EvalBefore *float64    `json:"eval_before"`
	EvalAfter  *float64    `json:"eval_after"`
	Checkpoint blob.Digest `json:"checkpoint"`
	Rollouts   job.Totals  `json:"rollouts"`
	// TrainSeconds is the time from submission to the end, in this process.
	TrainSeconds float64 `json:"train_seconds"`
	Store        string  `json:"store"`
	Reason       string  `json:"reason,omitempty"`
	Remedy       string  `json:"remedy,omitempty"`
}

// Run trains to the end and says how it ended. When ctx ends first it stops
// cleanly; run again with the same folder, it goes on from there.
func Run(ctx context.Context, c Config) (summary Summary, err error) {
	err = local.Run(ctx, local.Config{
		Dir: c.Dir, Workers: c.Workers, Listen: "127.0.0.1:0", Tracing: c.Tracing, Version: c.Version, Logger: c.Logger,
	}, func(ctx context.Context, s local.System) (err error) {
		agent, err := startAgent(ctx, c.Agent, c.Dir, c.Stderr)
		if err != nil {
			return err
		}
		defer func() {
			if stopErr := agent.stop(); err == nil {
				err = stopErr
			}
		}()
		summary, err = c.train(ctx, s, "http://"+agent.address)
		return err
	})
	return summary, err
}

// train submits the job, or finds the one that an earlier run submitted, and
// follows it to its end.
func (c Config) train(ctx context.Context, s local.System, agent string) (Summary, error) {
	client, err := api.NewClient(s.API, api.Access{})
	if err != nil {
		return Summary{}, err
	}
	defer client.Close()
	submission, err := c.submission(agent)
	if err != nil {
		return Summary{}, err
	}
	began := time.Now()
	j, _, err := client.Submit(ctx, submission)
	if err != nil {
		return Summary{}, err
	}
	if err := c.Follow(ctx, client, j.ID); err != nil {
		return Summary{}, err
	}
	if ctx.Err() != nil {
		return Summary{Job: j.ID}, ctx.Err()
	}
	if j, err = client.Job(ctx, j.ID); err != nil {
		return Summary{}, err
	}
	summary := Summary{
		Job: j.ID, State: j.State, Steps: j.Step, Checkpoint: j.Checkpoint, Rollouts: j.Totals,
		TrainSeconds: time.Since(began).Seconds(), Store: s.Store, Reason: j.Reason, Remedy: j.Remedy,
	}
	for i := range j.Evaluations {
		e := &j.Evaluations[i]
		switch {
		case e.Incomplete != "":
		case e.Step == j.Step:
			summary.EvalAfter = &e.Mean
		case e.Step == 0:
			summary.EvalBefore = &e.Mean
		}
	}
	return summary, nil
}

// submission is the example's job as the flags want it. Its key follows from
// its content, so the same demo in the same folder is the same job.
func (c Config) submission(agent string) (api.Submission, error) {
	text := countdown.Job()
	if c.Policy == "mlp" {
		text = countdown.JobMLP()
	}
	s, err := spec.Decode("job.yaml", text)
	if err != nil {
		return api.Submission{}, fmt.Errorf("read the example's spec: %w", err)
	}
	s.Seed, s.Steps = c.Seed, c.Steps
	s.Agent.URL, s.Agent.Health = agent+"/rollouts", agent+"/healthz"
	if c.Start != "" {
		s.Start = &spec.Start{Checkpoint: c.Start, Mode: spec.ModeContinue}
	}
	if err := s.Validate(); err != nil {
		return api.Submission{}, err
	}
	text = spec.Marshal(s)
	heldOut := firstLines(countdown.HeldOut(), c.HeldOut)
	return api.Submission{
		Key: "demo-" + string(blob.DigestOf(slices.Concat(text, heldOut))), File: "job.yaml", Spec: text,
		Data: map[string][]byte{spec.RoleTasks: countdown.Train(), spec.RoleEval: heldOut},
	}, nil
}

// firstLines returns the first n lines of text, or all if it has fewer.
func firstLines(text []byte, n int) []byte {
	end := 0
	for range n {
		line := bytes.IndexByte(text[end:], '\n')
		if line < 0 {
			return text
		}
		end += line + 1
	}
	return text[:end]
}
