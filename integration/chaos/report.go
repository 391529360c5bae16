package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/cohort-rl/cohort/job"
)

// atLeast is how often each effect that was seen is to be hit by a kill.
const atLeast = 3

// report counts the faults.
type report struct {
	mu      sync.Mutex                // guards what follows
	faults  map[string]map[string]int // by component and kind
	effects map[string]int            // kills by the effect that was under way
	took    time.Duration
}

func newReport() *report {
	return &report{faults: map[string]map[string]int{}, effects: map[string]int{}}
}

// fault counts one that begins.
func (r *report) fault(component, kind, effect string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.faults[component] == nil {
		r.faults[component] = map[string]int{}
	}
	r.faults[component][kind]++
	if effect == "" {
		return
	}
	n := 0
	if kind == killed {
		n = 1
	}
	r.effects[effect] += n
	fmt.Printf("  %4d  %-12s %-10s during %s\n", r.count(killed), component, kind, effect)
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

// seldom says whether an effect was hit no more often than any other, and notes
// that it exists.
func (r *report) seldom(effect string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.effects[effect]
	r.effects[effect] = n
	return n < atLeast || n <= r.least()
}

func (r *report) least() int {
	if len(r.effects) == 0 {
		return 0
	}
	return slices.Min(slices.Collect(maps.Values(r.effects)))
}

// leastHit is how often the effect was hit that was hit least.
func (r *report) leastHit() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.least()
}

// print writes what happened, and returns an error if a job came out differently.
func (r *report) print(w io.Writer, jobs *jobs) error {
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
	fmt.Fprint(table, "\n\nEFFECT\tkilled during it\n")
	for _, effect := range slices.SortedFunc(maps.Keys(r.effects), func(a, b string) int {
		return cmp.Or(r.effects[b]-r.effects[a], cmp.Compare(a, b))
	}) {
		fmt.Fprintf(table, "%s\t%d\n", effect, r.effects[effect])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return r.verdict(w, jobs)
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
	fmt.Fprintf(w, "Each job ended with the checkpoint and the fates of its undisturbed run.\n")
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
