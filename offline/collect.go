package offline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/dataset"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/traces/threads"
)

// Fates of threads.
const (
	Used    = "used"
	HeldOut = "held out"
	Unused  = "not used"
)

// Row is the fate of a thread: one line of the list that the job keeps.
type Row struct {
	Thread string     `json:"thread"`
	Task   string     `json:"task,omitempty"`
	Fate   string     `json:"fate"`
	Reason job.Reason `json:"reason,omitempty"`
	Detail string     `json:"detail,omitempty"`
	Reward *float64   `json:"reward,omitempty"`

	teaches Thread
}

// Collected is what a collection makes.
type Collected struct {
	// Tasks, Held and Rows are data sets: the tasks to train on, those that are
	// held out (nil if none are), and what became of each thread.
	Tasks, Held, Rows []byte
	Report            Report
}

// Files are the data sets by role.
func (c *Collected) Files() map[string][]byte {
	files := map[string][]byte{spec.RoleTasks: c.Tasks, spec.RoleThreads: c.Rows}
	if c.Held != nil {
		files[spec.RoleEval] = c.Held
	}
	return files
}

// ErrNothing says that no thread can be trained on.
var ErrNothing = errors.New("none of the traces can be trained on")

// Collect gives each thread its fate and makes the data of an offline job. Which
// tasks are held out follows from the spec's seed and from their names alone.
// before decides how likely decisions were of which the trace does not say so,
// nil if the spec does not allow that.
func Collect(ctx context.Context, s *spec.Spec, all []threads.Thread, scorer reward.Scorer, before policy.Policy) (*Collected, error) {
	rows, err := judge(ctx, s, all, scorer, before)
	if err != nil {
		return nil, err
	}
	groups := map[string][]*Row{}
	for i := range rows {
		if r := &rows[i]; r.Reason == "" {
			groups[r.Task] = append(groups[r.Task], r)
		}
	}
	held := heldOut(s.Seed, s.Traces.Offline.HeldOut, slices.Sorted(maps.Keys(groups)))
	c := &Collected{}
	for _, task := range slices.Sorted(maps.Keys(groups)) {
		group := groups[task]
		fate, to := Used, &c.Tasks
		if held[task] {
			fate, to = HeldOut, &c.Held
		} else if len(group) < s.GRPO.MinGroup {
			for _, r := range group {
				r.drop(job.GroupTooSmall, fmt.Sprintf("the task has %d such threads, grpo.min_group is %d", len(group), s.GRPO.MinGroup))
			}
			continue
		}
		line, err := lineOf(task, group, fate)
		if err != nil {
			return nil, err
		}
		*to = append(*to, line...)
	}
	for i := range rows {
		line, err := json.Marshal(&rows[i])
		if err != nil {
			return nil, fmt.Errorf("write the fate of thread %q: %w", rows[i].Thread, err)
		}
		c.Rows = append(append(c.Rows, line...), '\n')
	}
	c.Report = report(rows)
	switch {
	case len(c.Tasks) == 0:
		return c, fmt.Errorf("%w: %s", ErrNothing, c.Report.why())
	case len(c.Held) == 0 && s.Traces.Offline.HeldOut > 0:
		return c, fmt.Errorf("%w: there is one task alone, and traces.offline.held_out keeps a part of the tasks: set it to 0", ErrNothing)
	}
	return c, nil
}

// judge gives each thread a reward, or the reason why it is of no use, in the
// order of their ids.
func judge(ctx context.Context, s *spec.Spec, all []threads.Thread, scorer reward.Scorer, before policy.Policy) ([]Row, error) {
	ordered := make([]*threads.Thread, len(all))
	for i := range all {
		ordered[i] = &all[i]
	}
	slices.SortStableFunc(ordered, func(a, b *threads.Thread) int { return cmp.Compare(a.ID, b.ID) })
	rows := make([]Row, len(ordered))
	var items []reward.Item
	var scored []*Row
	for i, t := range ordered {
		r := &rows[i]
		r.Thread, r.Task, r.Fate = t.ID, t.Task, Used
		r.teaches = Thread{Thread: t.ID}
		if reason, detail := unfit(t, s); reason != "" {
			r.drop(reason, detail)
			continue
		}
		var reason job.Reason
		var detail string
		if r.teaches.Decisions, r.teaches.Policy, reason, detail = decisionsOf(t, s.Policy.Features, before); reason != "" {
			r.drop(reason, detail)
			continue
		}
		task, err := json.Marshal(map[string]string{"task": t.Task})
		if err != nil {
			return nil, err
		}
		items, scored = append(items, reward.Item{Trace: traceOf(t), Task: task}), append(scored, r)
	}
	verdicts, err := reward.Judge(ctx, scorer, s.Reward.FailureScore, items)
	if err != nil {
		return nil, err
	}
	for i, v := range verdicts {
		scored[i].take(v)
	}
	return rows, nil
}

// unfit is why a thread is not whole, or in no group.
func unfit(t *threads.Thread, s *spec.Spec) (job.Reason, string) {
	said := strings.Join(slices.DeleteFunc([]string{t.Reason, t.Detail}, func(s string) bool { return s == "" }), ": ")
	switch t.State {
	case threads.Open, threads.Orphaned:
		return job.IncompleteTrace, said
	case threads.Corrupt:
		return job.CorruptTrace, said
	case threads.Errored:
		if s.Traces.Offline.Errored == "drop" {
			return job.AgentError, said
		}
	case threads.Complete:
	}
	if t.Omitted > 0 {
		return job.IncompleteTrace, fmt.Sprintf("it is too large to be held whole: %d of its spans are left out", t.Omitted)
	}
	if t.Task == "" {
		return NoTask, "nothing in it names a task (traces.offline.task_by), and no user said anything"
	}
	return "", ""
}

func (r *Row) drop(reason job.Reason, detail string) {
	r.Fate, r.Reason, r.Detail = Unused, reason, detail
}

func (r *Row) take(v reward.Verdict) {
	if v.Reason != "" {
		r.drop(v.Reason, v.Detail)
		return
	}
	value := v.Value
	r.Reward, r.teaches.Reward = &value, value
	for i := range v.Parts {
		part := &v.Parts[i]
		if math.IsNaN(*part) {
			part = nil
		}
		r.teaches.Rewards = append(r.teaches.Rewards, part)
	}
}

// lineOf is the line of a task. What does not fit into one line is surplus.
func lineOf(task string, group []*Row, fate string) ([]byte, error) {
	t := Task{Task: task}
	size := len(task) + 64
	for _, r := range group {
		body, err := json.Marshal(&r.teaches)
		if err != nil {
			return nil, fmt.Errorf("write thread %q: %w", r.Thread, err)
		}
		if size += len(body) + 1; size > dataset.MaxLineBytes/2 {
			r.drop(job.Surplus, fmt.Sprintf("the task's other threads take the %d bytes that a line has", dataset.MaxLineBytes/2))
			continue
		}
		r.Fate = fate
		t.Threads = append(t.Threads, r.teaches)
	}
	line, err := json.Marshal(t)
	return append(line, '\n'), err
}

// heldOut are the tasks that are held out: the share whose names have the least
// digests under the seed, at least one and not all.
func heldOut(seed uint64, share float64, tasks []string) map[string]bool {
	n := int(share * float64(len(tasks)))
	if share > 0 {
		n = max(n, 1)
	}
	n = min(n, len(tasks)-1)
	digest := func(task string) blob.Digest {
		return blob.DigestOf(fmt.Appendf(nil, "cohort.heldout/1\n%d\n%s", seed, task))
	}
	order := slices.SortedFunc(slices.Values(tasks), func(a, b string) int { return cmp.Compare(digest(a), digest(b)) })
	held := map[string]bool{}
	for _, task := range order[:max(n, 0)] {
		held[task] = true
	}
	return held
}
