package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/job"
)

type checkpointVerifyCommand struct {
	Job  string `arg:"" optional:"" complete:"job" help:"Id of the job. Without it, and without --all, every job is verified."`
	All  bool   `help:"Verify all jobs, and what belongs to none."`
	Deep bool   `help:"Read every byte. Else small records are read, and of other objects the size is looked at."`
	outputFlag
	storeFlags
}

// Help says what is found and what is not.
func (checkpointVerifyCommand) Help() string {
	return "It fails if any object is corrupt or missing, and says of each what was expected and found, what refers to it, whether it can be computed again, and what a job can be resumed from. " +
		"Only with --deep is every flipped byte found."
}

// Run verifies a job, or a store.
func (c *checkpointVerifyCommand) Run(ctx context.Context, s *streams) error {
	if c.All && c.Job != "" {
		return usage(fmt.Errorf("--all verifies the whole store: leave out %s, or --all", c.Job))
	}
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	depth := scrub.Records
	if c.Deep {
		depth = scrub.Deep
	}
	var report *scrub.Report
	switch {
	case c.Job != "":
		var id job.ID
		if id, err = (jobFlags{Job: c.Job}).id(); err == nil {
			report, err = scrub.Some(ctx, store, depth, id)
		}
	case c.All:
		report, err = scrub.All(ctx, store, depth)
	default:
		var ids []job.ID
		if ids, err = scrub.Jobs(ctx, store); err == nil {
			report, err = scrub.Some(ctx, store, depth, ids...)
		}
	}
	if err != nil {
		return c.explain(err)
	}
	if c.Output == "json" {
		err = printJSON(s.out, report)
	} else {
		err = printReport(s.out, report)
	}
	if err == nil && !report.OK {
		err = errors.New("not every object is as it should be: see above for what depends on it and what can be done")
	}
	return err
}

// printReport prints the findings, and below them what each job can go on from.
func printReport(out io.Writer, r *scrub.Report) error {
	var text strings.Builder
	for i := range r.Jobs {
		for _, f := range r.Jobs[i].Findings {
			describeFinding(&text, f)
		}
	}
	for _, f := range r.Findings {
		describeFinding(&text, f)
	}
	for i := range r.Jobs {
		describeJob(&text, &r.Jobs[i])
	}
	if u := r.Unreferenced; u.Objects > 0 {
		fmt.Fprintf(&text, "Outside the jobs: %s, %s, that nothing refers to.\n", objects(u.Objects), size(u.Bytes))
	}
	if len(r.Jobs) == 0 {
		fmt.Fprintln(&text, "There is no job in the store.")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func describeFinding(text *strings.Builder, f scrub.Finding) {
	fmt.Fprintf(text, "%s %s: %s\n", strings.ToUpper(string(f.Problem)), f.Kind, f.Key)
	fmt.Fprintf(text, "    found: %s\n", f.Detail)
	if f.Expected != "" || f.ExpectedSize != nil {
		fmt.Fprintf(text, "    expected:%s\n", contentOf(string(f.Expected), f.ExpectedSize))
	}
	if f.Size != nil {
		fmt.Fprintf(text, "    actual:%s\n", contentOf(string(f.Actual), f.Size))
	}
	by := "nothing"
	if len(f.ReferredBy) > 0 {
		by = strings.Join(f.ReferredBy, "; ")
	}
	fmt.Fprintf(text, "    referred to by: %s\n", by)
	can := "no"
	if f.Recomputable {
		can = "yes"
	}
	fmt.Fprintf(text, "    can be made again: %s, %s\n", can, f.How)
}

func contentOf(digest string, bytes *int64) string {
	text := ""
	if digest != "" {
		text += " sha256 " + digest
	}
	if bytes != nil {
		text += fmt.Sprintf(" (%d bytes)", *bytes)
	}
	return text
}

func describeJob(text *strings.Builder, j *scrub.Job) {
	good := 0
	for _, c := range j.Checkpoints {
		if c.Good {
			good++
		}
	}
	fmt.Fprintf(text, "Job %s: %s, %s; %d of %d checkpoints are good; findings: %d.", j.Job, objects(j.Objects), size(j.Bytes), good, len(j.Checkpoints), len(j.Findings))
	switch {
	case j.Resume != nil:
		fmt.Fprintf(text, " It can be resumed from step %d, checkpoint %s.\n", j.Resume.Step, j.Resume.ID)
	case len(j.Checkpoints) > 0:
		fmt.Fprintf(text, " Nothing is left to resume from.\n")
	default:
		fmt.Fprintf(text, " It has not begun.\n")
	}
	if u := j.Unreferenced; u.Objects > 0 {
		fmt.Fprintf(text, "    %s, %s, that nothing refers to.\n", objects(u.Objects), size(u.Bytes))
	}
}
