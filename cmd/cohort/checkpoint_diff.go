package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/records"
)

type checkpointDiffCommand struct {
	A string `arg:"" complete:"job" help:"Checkpoint: at least the first 12 digits of its id, JOB/STEP, or a job, whose newest good one it is."`
	B string `arg:"" complete:"job" help:"The other checkpoint, likewise."`
	outputFlag
	storeFlags
}

// side is one of two checkpoints that are compared.
type side struct {
	Job        job.ID      `json:"job"`
	Step       int         `json:"step"`
	Checkpoint blob.Digest `json:"checkpoint"`
	Updates    int         `json:"updates"`

	state *checkpoint.State
	def   *job.Definition
}

// compared is what two checkpoints differ in. Spec is empty if a definition
// cannot be read.
type compared struct {
	A       side                          `json:"a"`
	B       side                          `json:"b"`
	Tensors []checkpoint.TensorDifference `json:"tensors"`
	Spec    []spec.Difference             `json:"spec"`
}

// Run compares two checkpoints.
func (c *checkpointDiffCommand) Run(ctx context.Context, s *streams) error {
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	var d compared
	if d.A, err = loadSide(ctx, store, c.A); err != nil {
		return c.explain(err)
	}
	if d.B, err = loadSide(ctx, store, c.B); err != nil {
		return c.explain(err)
	}
	d.Tensors = checkpoint.Diff(d.A.state, d.B.state)
	d.Spec = []spec.Difference{}
	if d.A.def != nil && d.B.def != nil {
		differences, err := spec.Differences(d.A.def.Spec, d.B.def.Spec)
		if err != nil {
			return err
		}
		d.Spec = append(d.Spec, differences...)
	}
	if c.Output == "json" {
		return printJSON(s.out, d)
	}
	return d.print(s)
}

func (d compared) print(s *streams) error {
	var text strings.Builder
	for _, x := range []struct {
		name string
		side
	}{{"a", d.A}, {"b", d.B}} {
		fmt.Fprintf(&text, "%s\tjob %s\tstep %d\t%s\t%d updates\n", x.name, x.Job, x.Step, x.Checkpoint, x.Updates)
	}
	if err := printTable(s.out, text.String()); err != nil {
		return err
	}
	text.Reset()
	fmt.Fprintln(&text, "PART\tTENSOR\tSHAPE\tNORM A\tNORM B\tNORM B-A\tCOSINE")
	for _, t := range d.Tensors {
		shape := fmt.Sprint(t.ShapeA)
		switch {
		case t.ShapeA == nil:
			shape = fmt.Sprintf("only b: %v", t.ShapeB)
		case t.ShapeB == nil:
			shape = fmt.Sprintf("only a: %v", t.ShapeA)
		case t.Difference == nil:
			shape = fmt.Sprintf("%v, %v", t.ShapeA, t.ShapeB)
		}
		apart := number(t.Difference)
		if t.Equal {
			apart = "equal"
		}
		cosine := ""
		if t.Cosine != nil {
			cosine = fmt.Sprintf("%.6f", *t.Cosine)
		}
		fmt.Fprintf(&text, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Part, t.Name, shape, number(&t.NormA), number(&t.NormB), apart, cosine)
	}
	if err := printTable(s.out, text.String()); err != nil {
		return err
	}
	if len(d.Spec) == 0 {
		return nil
	}
	text.Reset()
	fmt.Fprintln(&text, "SPEC\tA\tB")
	for _, f := range d.Spec {
		fmt.Fprintf(&text, "%s\t%s\t%s\n", f.Path, f.A, f.B)
	}
	return printTable(s.out, text.String())
}

// loadSide finds a checkpoint anywhere in the store and loads it.
func loadSide(ctx context.Context, store blob.Bucket, which string) (side, error) {
	found, err := findAnywhere(ctx, store, which)
	if err != nil {
		return side{}, err
	}
	m, state, err := checkpoint.Load(ctx, store, found.Job, found.Checkpoint)
	if err != nil {
		return side{}, err
	}
	x := side{Job: found.Job, Step: m.Step, Checkpoint: found.Checkpoint.Manifest, Updates: m.Optimizer.Updates, state: state}
	x.def, _, err = records.Read[job.Definition](ctx, store, found.Job.SpecKey(), job.DefinitionFormat)
	if err != nil && !errors.Is(err, blob.ErrCorrupt) && !errors.Is(err, blob.ErrNotFound) {
		return side{}, err
	}
	return x, nil
}

// findAnywhere finds what the text names: an id, JOB/STEP, JOB/ID or a job.
func findAnywhere(ctx context.Context, store blob.Bucket, which string) (checkpoint.Found, error) {
	if isDigits(which) {
		return checkpoint.Find(ctx, store, which, "")
	}
	name, at, _ := strings.Cut(which, "/")
	id, err := job.ParseID(name)
	if err != nil {
		return checkpoint.Found{}, usage(fmt.Errorf("%q is no checkpoint: give at least the first 12 of the 64 hexadecimal digits of its id, JOB/STEP, or a job", which))
	}
	c, err := choose(ctx, store, id, at)
	if err != nil {
		return checkpoint.Found{}, err
	}
	return checkpoint.Found{Job: id, Entry: c.point.Entry, Checkpoint: c.where()}, nil
}
