package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/cmd/internal/daemon"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
)

type serveCommand struct {
	Checkpoint string `arg:"" complete:"job" help:"Id of a checkpoint, or its first digits (at least 12); or a job, whose newest checkpoint is served."`
	Job        string `placeholder:"ID" complete:"job" help:"Look for the checkpoint in this job alone."`
	Store      string `required:"" env:"COHORT_STORE" placeholder:"URL" help:"Object store that holds it: file:///DIR or s3://BUCKET/PREFIX?endpoint=URL."`
	Verbose    bool   `short:"v" help:"Log more than errors."`
	contextFlag
	services.StoreAccess `embed:""`
	daemon.PolicyConfig  `embed:""`
}

// Help says what is served, and how fast.
func (serveCommand) Help() string {
	return "Serves a trained policy over HTTP to agents in any language, as docs/formats.md describes it: the same endpoint as while it was trained, with the same bits. " +
		"Only the store is needed. It refuses a checkpoint that was computed with other numerics than this program's. " +
		"docs/operations.md says how many decisions a second to expect; ask for several at a time where you can."
}

// Validate names the first flag that is wrong.
func (c *serveCommand) Validate() error {
	return errors.Join(c.StoreAccess.Validate(), c.PolicyConfig.Validate())
}

// Run serves the policy until it is told to stop.
func (c *serveCommand) Run(ctx context.Context, s *streams) error {
	store, err := openStore(ctx, c.Store, c.StoreAccess)
	if err != nil {
		return err
	}
	found, err := c.find(ctx, store)
	if err != nil {
		return c.explain(err)
	}
	m, arrays, err := checkpoint.LoadWeights(ctx, store, found.Job, found.Checkpoint)
	if err != nil {
		return c.explain(err)
	}
	if m.Numerics != numerics.Version {
		return fmt.Errorf("checkpoint %s was computed with numerics %s, and this program computes with %s, so it would decide otherwise: serve it with the version that trained it",
			found.Checkpoint.Manifest, m.Numerics, numerics.Version)
	}
	p, err := checkpoint.Policy(arrays)
	if err != nil {
		return err
	}
	config := c.PolicyConfig
	config.Version = version
	config.Ready = func(url string, token bool) {
		fmt.Fprintf(s.out, "Checkpoint %s of step %d of job %s (%s, %d features).\n", found.Checkpoint.Manifest, m.Step, found.Job, p.Shape().Kind, p.Shape().Features)
		_, _ = io.WriteString(s.out, "Policy: "+url+"\n"+"Try it: "+c.example(url, p, token)+"\nReady. Ctrl-C stops it.\n")
	}
	return daemon.RunPolicy(ctx, config, p, quietLogger(s, c.Verbose))
}

// find finds what the argument names: a checkpoint, or a job.
func (c *serveCommand) find(ctx context.Context, store blob.Bucket) (checkpoint.Found, error) {
	within := job.ID("")
	if c.Job != "" {
		id, err := job.ParseID(c.Job)
		if err != nil {
			return checkpoint.Found{}, usage(fmt.Errorf("--job: %w", err))
		}
		within = id
	}
	if regexp.MustCompile(`^[0-9a-f]{12,64}$`).MatchString(c.Checkpoint) {
		return checkpoint.Find(ctx, store, c.Checkpoint, within)
	}
	id, err := job.ParseID(c.Checkpoint)
	if err != nil || within != "" {
		return checkpoint.Found{}, usage(fmt.Errorf("%q is no checkpoint: give at least the first 12 of its 64 hexadecimal digits, or a job", c.Checkpoint))
	}
	return checkpoint.Newest(ctx, store, id)
}

// explain adds the remedy to an error.
func (c *serveCommand) explain(err error) error {
	switch {
	case errors.Is(err, checkpoint.ErrNoCheckpoint):
		return fmt.Errorf("%w in %s: `cohort jobs -o json` tells each job's newest, and --store names the store of their coordinator", err, c.Store)
	case errors.Is(err, blob.ErrUnavailable), errors.Is(err, blob.ErrDenied):
		return fmt.Errorf("--store: %w", err)
	}
	return err
}

// maxExample bounds the features that an example spells out.
const maxExample = 32

// example is a command that asks for one decision between two candidates.
func (c *serveCommand) example(url string, p policy.Policy, token bool) string {
	command := "curl -s"
	if c.TLSCert != "" {
		command += " --cacert CA.pem"
	}
	switch {
	case token && c.TokenFile != "":
		command += fmt.Sprintf(` -H "Authorization: Bearer $(cat %s)"`, c.TokenFile)
	case token:
		command += ` -H "Authorization: Bearer $COHORT_TOKEN"`
	}
	first, second := "FEATURES", "FEATURES"
	if n := p.Shape().Features; n <= maxExample {
		first, second = "0"+strings.Repeat(",0", n-1), "1"+strings.Repeat(",1", n-1)
	}
	return fmt.Sprintf(`%s %s/decide -d '{"seed":1,"decisions":[{"number":0,"features":[[%s],[%s]]}]}'`, command, url, first, second)
}
