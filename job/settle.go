package job

import "github.com/cohort-rl/cohort/job/spec"

// A Round is a round of a step whose collection is over.
type Round struct {
	Plan       *Plan
	Collection int
	// Collects are the settled collect or assemble records, in shard order.
	Collects []*CollectRecord
}

// Outcomes are the round's outcomes in the order of its plan.
func (r Round) Outcomes() []Outcome {
	var all []Outcome
	for _, c := range r.Collects {
		all = append(all, c.Outcomes...)
	}
	return all
}

// A Row is a planned rollout with its fate: one line of a ledger.
type Row struct {
	Unit Unit
	Task int
	Outcome
}

// Settle gives every planned rollout of a step its fate, in the order of the
// plans. A group is judged by its own members alone: one with fewer usable
// rollouts than the spec asks for is too small, one whose rewards are equal to
// the estimator teaches nothing (unless the spec keeps it), and of the groups
// that remain only the first tasks.groups are used, the others are surplus.
func Settle(rounds []Round, s *spec.Spec) []Row {
	var rows []Row
	used := 0
	for _, r := range rounds {
		outcomes := r.Outcomes()
		for g := range r.Plan.Tasks {
			group := outcomes[g*r.Plan.Rollouts : (g+1)*r.Plan.Rollouts]
			verdict := judge(group, s)
			if verdict == "" {
				if used++; used > s.Tasks.Groups {
					verdict = Surplus
				}
			}
			for _, o := range group {
				if o.Reason == "" {
					o.Reason = verdict
				}
				rows = append(rows, Row{Unit: r.Plan.Unit, Task: r.Plan.Tasks[g], Outcome: o})
			}
		}
	}
	return rows
}

// judge is why the usable rollouts of a group are not used, or empty.
func judge(group []Outcome, s *spec.Spec) Reason {
	var usable []Outcome
	for _, o := range group {
		if o.Reason == "" {
			usable = append(usable, o)
		}
	}
	switch {
	case len(usable) < s.GRPO.MinGroup:
		return GroupTooSmall
	case s.GRPO.ZeroVariance == "drop" && level(usable, s):
		return ZeroVariance
	}
	return ""
}

// Count is the totals of some rows.
func Count(rows []Row) Totals {
	var t Totals
	for i := range rows {
		t.Add(rows[i].Reason)
	}
	return t
}

// teaching is the number of groups that have a used rollout.
func teaching(rows []Row) int {
	n, last := 0, -1
	for i := range rows {
		if rows[i].Reason == "" && rows[i].Group != last {
			n, last = n+1, rows[i].Group
		}
	}
	return n
}

// unfinished are the rows of a plan whose collection did not end: what the
// rollout records already call failed stays failed, the rest is dropped
// because the job ended.
func unfinished(p *Plan, records []*RolloutRecord) []Row {
	rows := make([]Row, p.Planned())
	for i := range rows {
		g, r := p.At(i)
		rows[i] = Row{Unit: p.Unit, Task: p.Tasks[g-p.First], Outcome: Outcome{Group: g, Rollout: r, Reason: JobEnded}}
	}
	for _, record := range records {
		if record == nil {
			continue
		}
		for _, e := range record.Executions {
			o := &rows[p.Index(e.Group, e.Rollout)].Outcome
			o.Nonce, o.Attempts, o.Detail = e.Nonce, e.Attempts, e.Detail
			if e.Reason != "" {
				o.Reason = e.Reason
			}
		}
	}
	return rows
}
