package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/cohort-rl/cohort/api"
)

const formatTable = "table"

// formatFlag says how jobs are printed. The JSON of a job is that of the API.
type formatFlag struct {
	Output string `short:"o" default:"table" enum:"table,json,yaml,name" placeholder:"FORMAT" help:"Form of what is printed: ${enum} (${default})."`
}

// print prints one job.
func (f formatFlag) print(out io.Writer, j api.Job) error {
	switch f.Output {
	case "json":
		return printJSON(out, j)
	case "yaml":
		return printYAML(out, j)
	case "name":
		_, err := fmt.Fprintln(out, j.ID)
		return err
	}
	return printTable(out, describe(j))
}

// describe is a job as lines of name and value.
func describe(j api.Job) string {
	var text strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&text, "%s\t%s\n", name, value)
		}
	}
	line("job", string(j.ID))
	line("name", j.Name)
	line("state", string(j.State))
	if !j.State.Ended() {
		line("stage", string(j.Stage))
	}
	if j.Paused != nil {
		line("paused", strings.TrimSpace(stamp(j.Paused.At)+" "+j.Paused.Reason))
	}
	line("reason", j.Reason)
	line("remedy", j.Remedy)
	for _, r := range j.RefusedBy {
		line("refused by", r.Worker+": "+r.Reason)
	}
	line("step", fmt.Sprintf("%d of %d", j.Step, j.Steps))
	line("reward", number(j.Reward))
	for _, e := range j.Evaluations {
		if e.Incomplete != "" {
			line("evaluation", fmt.Sprintf("incomplete at step %d: %s", e.Step, e.Incomplete))
			continue
		}
		line("evaluation", fmt.Sprintf("%.4g at step %d, of %d", e.Mean, e.Step, e.Scored))
	}
	for _, d := range j.Damage {
		line("damage", stamp(d.At)+" "+d.Text)
	}
	t := j.Totals
	line("rollouts", fmt.Sprintf("%d planned = %d used + %d dropped + %d failed", t.Planned, t.Used, t.Dropped, t.Failed))
	line("checkpoint", string(j.Checkpoint))
	line("submitted", stamp(j.Submitted))
	if j.Ended != nil {
		line("ended", stamp(*j.Ended))
	}
	return text.String()
}

// printAll prints a list of jobs.
func (f formatFlag) printAll(out io.Writer, jobs []api.Job) error {
	switch f.Output {
	case "json":
		return printJSON(out, api.Page{Jobs: jobs})
	case "yaml":
		return printYAML(out, api.Page{Jobs: jobs})
	case "name":
		var text strings.Builder
		for _, j := range jobs {
			fmt.Fprintln(&text, j.ID)
		}
		_, err := io.WriteString(out, text.String())
		return err
	}
	if len(jobs) == 0 {
		_, err := fmt.Fprintln(out, "There are no jobs yet. Submit one: cohort submit FILE")
		return err
	}
	var text strings.Builder
	fmt.Fprintln(&text, "JOB\tSTATE\tSTEP\tREWARD\tUSED\tDROPPED\tFAILED\tSUBMITTED")
	for _, j := range jobs {
		fmt.Fprintf(&text, "%s\t%s\t%d/%d\t%s\t%d\t%d\t%d\t%s\n", j.ID, j.State, j.Step, j.Steps, number(j.Reward),
			j.Totals.Used, j.Totals.Dropped, j.Totals.Failed, stamp(j.Submitted))
	}
	if err := printTable(out, text.String()); err != nil {
		return err
	}
	return printNotes(out, jobs)
}

// printNotes tells below a table of jobs which workers refuse them.
func printNotes(out io.Writer, jobs []api.Job) error {
	var text strings.Builder
	for _, j := range jobs {
		for _, r := range j.RefusedBy {
			fmt.Fprintf(&text, "NOTE: %s is refused by %s: %s\n", j.ID, r.Worker, r.Reason)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// printTable aligns lines of cells that tabs divide.
func printTable(out io.Writer, text string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return w.Flush()
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.4g", *v)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printYAML prints the same fields as JSON, in the same order.
func printYAML(out io.Writer, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(body, &document); err != nil { // JSON is YAML
		return err
	}
	block(&document)
	e := yaml.NewEncoder(out)
	e.SetIndent(2)
	if err := e.Encode(&document); err != nil {
		return err
	}
	return e.Close()
}

// block takes JSON's quotes and brackets from a document.
func block(n *yaml.Node) {
	n.Style = 0
	for _, child := range n.Content {
		block(child)
	}
}
