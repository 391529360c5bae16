package job

import (
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job/spec"
)

// A Definition is what a job was submitted with. It never changes.
type Definition struct {
	Format string     `json:"format"`
	ID     ID         `json:"id"`
	At     time.Time  `json:"at"`
	Spec   *spec.Spec `json:"spec"`
	// Training is the digest of everything that changes the mathematics.
	Training blob.Digest `json:"training"`
	Tasks    DataSet     `json:"tasks"`
	Eval     DataSet     `json:"eval"`
	// Threads has what became of each thread of an offline job; Eval has the
	// tasks that are held out. It is none of an online job.
	Threads DataSet `json:"threads,omitzero"`
}

// A DataSet is a JSON Lines file that was uploaded at submit. The zero DataSet
// is none.
type DataSet struct {
	Blob  blob.Ref `json:"blob"`
	Lines int      `json:"lines"`
}

// Topic is the name of the topic in which the job's events lie.
func (d *Definition) Topic(prefix string) string {
	if d.Spec.Traces.Topic != "" {
		return d.Spec.Traces.Topic
	}
	return prefix + string(d.ID)
}

// EvalTasks is the number of held-out tasks that an evaluation attempts.
func (d *Definition) EvalTasks() int {
	if d.Spec.Eval == nil {
		return 0
	}
	if n := d.Spec.Eval.Tasks; n > 0 && n < d.Eval.Lines {
		return n
	}
	return d.Eval.Lines
}

// Evaluates says whether the checkpoint of a step is evaluated in a job that
// began at step first.
func (d *Definition) Evaluates(step, first int) bool {
	if d.EvalTasks() == 0 {
		return false
	}
	every := d.Spec.Eval.Every
	return step == first || step == d.Spec.Steps || (every > 0 && step%every == 0)
}

// PlanRound is the plan of a round of a training step under a policy, a pure
// function of its arguments; first is the number of its first group.
func (d *Definition) PlanRound(u Unit, policy PolicyRef, first int) *Plan {
	s := d.Spec
	return &Plan{
		Format: PlanFormat, Unit: u, Policy: policy, Data: d.Tasks.Blob.Digest,
		First: first, Rollouts: s.Tasks.Rollouts,
		Tasks:  drawTasks(s.Seed, u.Step, u.Round, s.Tasks.Groups, d.Tasks.Lines),
		Layout: d.layout(s.Tasks.Groups, s.Tasks.Rollouts), Offline: d.Offline(),
	}
}

// PlanEvaluation is the plan of a checkpoint's evaluation: each held-out task
// once, greedily.
func (d *Definition) PlanEvaluation(u Unit, policy PolicyRef) *Plan {
	tasks := make([]int, d.EvalTasks())
	for i := range tasks {
		tasks[i] = i
	}
	return &Plan{
		Format: PlanFormat, Unit: u, Policy: policy, Data: d.Eval.Blob.Digest,
		Tasks: tasks, Rollouts: 1, Greedy: true, Layout: d.layout(len(tasks), 1),
	}
}

func (d *Definition) layout(groups, rollouts int) Layout {
	l := d.Spec.Limits
	if d.Offline() {
		return Layout{PerRollout: l.ShardRollouts, Partitions: d.Spec.Traces.Partitions} // drawn in one shard
	}
	return LayoutOf(groups, rollouts, d.Spec.Traces.Partitions, l.ShardRollouts, l.CollectRollouts)
}
