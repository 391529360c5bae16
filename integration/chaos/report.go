package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/cohort-rl/cohort/job"
)

// report counts the faults.
type report struct {
	atLeast int // how often a kill is to hit each effect of the undisturbed runs

	mu      sync.Mutex                // guards what follows
	faults  map[string]map[string]int // by component and kind
	effects map[string]int            // kills of Cohort's processes by the effects that these were in
	idle    int                       // kills of those that were in none
	known   map[string]bool           // effects of the undisturbed runs
	begun   bool                      // the faults
	took    time.Duration
}

func newReport(atLeast int) *report {
	return &report{atLeast: atLeast, faults: map[string]map[string]int{}, effects: map[string]int{}, known: map[string]bool{}}
}

// fault counts one, with the effects that were cut short by it.
func (r *report) fault(component, kind string, effects []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.faults[component] == nil {
		r.faults[component] = map[string]int{}
	}
	r.faults[component][kind]++
	for _, effect := range effects {
		r.effects[effect]++
	}
	during := ""
	switch {
	case len(effects) > 0:
		during = "in " + strings.Join(effects, ", ")
	case kind == killed && (component == "coordinator" || component == "worker"):
		r.idle++
		during = "in nothing"
	}
	fmt.Printf("  %4d  %-12s %-10s %s\n", r.count(killed), component, kind, during)
}

func (r *report) count(kind string) (n int) {
	for _, kinds := range r.faults {
		n += kinds[kind]
	}
	return n
}

// killed is how many processes were killed.
func (r *report) killed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count(killed)
}

// exists notes that there is an effect, which is to be hit if it is one of the
// undisturbed runs. Others are counted alone: nobody can say when they come.
func (r *report) exists(effect string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.begun {
		r.known[effect], r.effects[effect] = true, 0
	}
}

// begin says that the faults begin, and returns when.
func (r *report) begin() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = true
	return time.Now()
}

// seldom says whether an effect was not hit often enough, or, when all were, no
// more often than any other.
func (r *report) seldom(effect string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	least := r.effects[effect]
	for known := range r.known {
		least = min(least, r.effects[known])
	}
	return r.known[effect] && r.effects[effect] < r.atLeast || r.effects[effect] <= least
}

// wanting are the effects that were not hit often enough.
func (r *report) wanting() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, effect := range slices.Sorted(maps.Keys(r.known)) {
		if r.effects[effect] < r.atLeast {
			all = append(all, effect)
		}
	}
	return all
}

// print writes what happened, and returns an error if a job came out differently
// or an effect was not hit often enough.
func (r *report) print(w io.Writer, jobs *jobs) error {
	wanting := r.wanting()
	r.mu.Lock()
	defer r.mu.Unlock()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	columns := []string{killed, stopped, restarted, cut, hung, slow}
	fmt.Fprint(table, "\nCOMPONENT")
	for _, c := range columns {
		fmt.Fprintf(table, "\t%s", c)
	}
	for _, component := range slices.Sorted(maps.Keys(r.faults)) {
		fmt.Fprintf(table, "\n%s", component)
		for _, c := range columns {
			fmt.Fprintf(table, "\t%d", r.faults[component][c])
		}
	}
	fmt.Fprint(table, "\n\nEFFECT\tkills of a process that was in it (it may have been in several)\n")
	for _, effect := range slices.SortedFunc(maps.Keys(r.effects), func(a, b string) int {
		return cmp.Or(r.effects[b]-r.effects[a], cmp.Compare(a, b))
	}) {
		fmt.Fprintf(table, "%s\t%d\n", effect, r.effects[effect])
	}
	fmt.Fprintf(table, "(none)\t%d\n", r.idle)
	if err := table.Flush(); err != nil {
		return err
	}
	err := r.verdict(w, jobs)
	if len(wanting) > 0 {
		err = errors.Join(err, fmt.Errorf("processes were to be killed %d times in each effect, and were not in %s", r.atLeast, strings.Join(wanting, ", ")))
	}
	return err
}

// verdict sums the jobs up.
func (r *report) verdict(w io.Writer, jobs *jobs) error {
	var totals job.Totals
	var longest time.Duration
	var removed int64
	wrong := 0
	for _, e := range jobs.done {
		totals = totals.Plus(e.result.totals)
		longest, removed = max(longest, e.longest), removed+e.removed
		if e.wrong != "" {
			wrong++
			fmt.Fprintf(w, "DIFFERENT: %s %s\n", e.id, e.wrong)
		}
	}
	fmt.Fprintf(w, "\n%d kills and %d other faults in %s; %d jobs; rollouts: %d planned, %d used, %d dropped, %d failed; %d duplicate or superseded events removed; longest stall %.1f s.\n",
		r.count(killed), r.others(), r.took.Round(time.Second), len(jobs.done), totals.Planned, totals.Used, totals.Dropped, totals.Failed, removed, longest.Seconds())
	if wrong > 0 {
		return fmt.Errorf("%d of %d jobs came out differently", wrong, len(jobs.done))
	}
	fmt.Fprintf(w, "All %d jobs that ended came to the checkpoint and the fates of their undisturbed runs.\n", len(jobs.done))
	return nil
}

func (r *report) others() (n int) {
	for _, kinds := range r.faults {
		for kind, count := range kinds {
			if kind != killed {
				n += count
			}
		}
	}
	return n
}
