package main

import (
	"fmt"

	"github.com/cohort-rl/cohort/job/spec"
)

type validateCommand struct {
	File         string `arg:"" complete:"file" help:"Job spec, in YAML."`
	ShowDefaults bool   `help:"Print the spec with every default filled in and every field explained."`
}

// Run checks the spec and its data sets, and says what the job would do.
func (c *validateCommand) Run(s *streams) error {
	f, err := readSpec(c.File)
	if err != nil {
		return err
	}
	if c.ShowDefaults {
		_, err = s.out.Write(spec.Marshal(f.spec))
		return err
	}
	if o := f.spec.Traces.Offline; o != nil {
		_, err = fmt.Fprintf(s.out, "%s is valid: job %s, %d steps of %d groups of %d threads, drawn from the traces of %s; %g of the tasks are held out.\n", c.File, f.spec.Name,
			f.spec.Steps, f.spec.Tasks.Groups, f.spec.Tasks.Rollouts, o.Source, o.HeldOut)
		return err
	}
	held := ""
	if f.spec.Eval != nil {
		held = fmt.Sprintf("; %d held-out tasks", f.lines[spec.RoleEval])
	}
	_, err = fmt.Fprintf(s.out, "%s is valid: job %s, %d steps of %d groups of %d rollouts, drawn from %d tasks%s.\n", c.File, f.spec.Name,
		f.spec.Steps, f.spec.Tasks.Groups, f.spec.Tasks.Rollouts, f.lines[spec.RoleTasks], held)
	return err
}
