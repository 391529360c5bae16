package offline

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/job"
)

// Report says what share of the threads is used, and why the others are not.
type Report struct {
	Threads int `json:"threads"`
	// Train and Held are threads, TrainTasks and HeldTasks their tasks.
	Train      int     `json:"used"`
	Held       int     `json:"held_out"`
	TrainTasks int     `json:"tasks"`
	HeldTasks  int     `json:"held_out_tasks"`
	Unused     []Count `json:"not_used,omitempty"`
}

// Count says how many threads are not used for a reason, and what the first of
// them says.
type Count struct {
	Reason  job.Reason `json:"reason"`
	Threads int        `json:"threads"`
	First   string     `json:"first,omitempty"`
}

func report(rows []Row) Report {
	r := Report{Threads: len(rows)}
	tasks := map[string]map[string]bool{Used: {}, HeldOut: {}}
	for i := range rows {
		row := &rows[i]
		switch row.Fate {
		case Used:
			r.Train++
		case HeldOut:
			r.Held++
		default:
			r.unused(row)
			continue
		}
		tasks[row.Fate][row.Task] = true
	}
	r.TrainTasks, r.HeldTasks = len(tasks[Used]), len(tasks[HeldOut])
	slices.SortStableFunc(r.Unused, func(a, b Count) int { return cmp.Or(b.Threads-a.Threads, cmp.Compare(a.Reason, b.Reason)) })
	return r
}

func (r *Report) unused(row *Row) {
	i := slices.IndexFunc(r.Unused, func(c Count) bool { return c.Reason == row.Reason })
	if i < 0 {
		i = len(r.Unused)
		r.Unused = append(r.Unused, Count{Reason: row.Reason, First: fmt.Sprintf("%s: %s", row.Thread, row.Detail)})
	}
	r.Unused[i].Threads++
}

// why lists the reasons in one line.
func (r *Report) why() string {
	var all []string
	for _, c := range r.Unused {
		all = append(all, fmt.Sprintf("%d %s (%s)", c.Threads, c.Reason, c.First))
	}
	if len(all) == 0 {
		return "there are no threads"
	}
	return strings.Join(all, ", ")
}

// Print writes the report for a person.
func (r *Report) Print(out io.Writer) error {
	used := r.Train + r.Held
	_, err := fmt.Fprintf(out, "Traces: %d threads, %d used (%.1f %%): %d to train on, of %d tasks; %d held out, of %d tasks.\n",
		r.Threads, used, 100*float64(used)/float64(max(r.Threads, 1)), r.Train, r.TrainTasks, r.Held, r.HeldTasks)
	for _, c := range r.Unused {
		if err == nil {
			_, err = fmt.Fprintf(out, "  %d not used: %s; the first is %s\n", c.Threads, c.Reason, c.First)
		}
	}
	return err
}
