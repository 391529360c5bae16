package spec

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// MaxRollouts is how many rollouts all rounds of a step may plan.
const MaxRollouts = 1_000_000

// rule is a relation between fields that each hold their own bounds.
type rule struct {
	fields []string // the first is blamed
	broken func(*Spec) string
}

// rules adds an error for each rule that s breaks, unless one of its fields is
// itself in error.
func (d *decoder) rules(s *Spec) {
	for _, r := range rules() {
		if d.anyBad(r.fields) {
			continue
		}
		if why := r.broken(s); why != "" {
			d.add(d.line(r.fields), r.fields[0], "%s", why)
		}
	}
}

// anyBad reports whether one of paths or a section around it has an error.
func (d *decoder) anyBad(paths []string) bool {
	for _, path := range paths {
		for at := path; at != ""; at = parent(at) {
			if d.bad[at] {
				return true
			}
		}
	}
	return false
}

// line returns where the first of paths that is given stands.
func (d *decoder) line(paths []string) int {
	for _, path := range paths {
		if line := d.lines[path]; line > 0 {
			return line
		}
	}
	return d.lineOf(paths[0])
}

// lineOf returns the line of path or, if it is not given, of the section around it.
func (d *decoder) lineOf(path string) int {
	line, ok := d.lines[path]
	for !ok {
		path = parent(path)
		line, ok = d.lines[path]
	}
	return line
}

// parent returns the path of the section around path, or "".
func parent(path string) string {
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}

// unless returns the message when ok does not hold.
func unless(ok bool, format string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// rules lists the relations between fields.
func rules() []rule {
	return slices.Concat(trainingRules(), lossRules(), stalenessRules(), penaltyRules(), advantageRules(), rewardRules(), offlineRules(), layoutRules())
}

func trainingRules() []rule {
	return []rule{
		{[]string{"grpo.min_group", "tasks.rollouts"}, func(s *Spec) string {
			return unless(s.GRPO.MinGroup <= s.Tasks.Rollouts,
				"%d is more than tasks.rollouts (%d): no group could ever be used", s.GRPO.MinGroup, s.Tasks.Rollouts)
		}},
		{[]string{"grpo.minibatches", "tasks.groups"}, func(s *Spec) string {
			return unless(s.GRPO.Minibatches <= s.Tasks.Groups,
				"%d is more than tasks.groups (%d): a mini-batch is of whole groups", s.GRPO.Minibatches, s.Tasks.Groups)
		}},
		{[]string{"grpo.dynamic_sampling.min_groups", "grpo.dynamic_sampling.rounds"}, func(s *Spec) string {
			d := s.GRPO.DynamicSampling
			return unless(d.Rounds > 1 || d.MinGroups == 0,
				"has no effect with one round; set grpo.dynamic_sampling.rounds above 1")
		}},
		{[]string{"grpo.dynamic_sampling.min_groups", "tasks.groups"}, func(s *Spec) string {
			return unless(s.GRPO.DynamicSampling.MinGroups <= s.Tasks.Groups,
				"%d is more than tasks.groups (%d): a batch holds no more groups than that", s.GRPO.DynamicSampling.MinGroups, s.Tasks.Groups)
		}},
		{[]string{"grpo.zero_variance", "grpo.dynamic_sampling.rounds"}, func(s *Spec) string {
			return unless(s.GRPO.ZeroVariance != "keep" || s.GRPO.DynamicSampling.Rounds == 1,
				"keep contradicts grpo.dynamic_sampling.rounds above 1, which draws again for groups that teach nothing")
		}},
		{[]string{"optimizer.schedule.warmup", "optimizer.schedule.kind", "steps"}, func(s *Spec) string {
			schedule := s.Optimizer.Schedule
			return unless(schedule.Kind == ScheduleConstant || schedule.Warmup < s.Steps,
				"%d leaves none of the %d steps for the %s schedule", schedule.Warmup, s.Steps, schedule.Kind)
		}},
	}
}

func layoutRules() []rule {
	return []rule{
		{[]string{"agent.url"}, func(s *Spec) string {
			if s.IsOffline() {
				return ""
			}
			return urlProblem(s.Agent.URL)
		}},
		{[]string{"agent.health", "agent.url"}, func(s *Spec) string {
			if s.IsOffline() || urlProblem(s.Agent.URL) != "" {
				return ""
			}
			return urlProblem(s.Agent.Health)
		}},
		{[]string{"tasks.groups", "tasks.rollouts", "grpo.dynamic_sampling.rounds"}, func(s *Spec) string {
			planned := s.Tasks.Groups * s.Tasks.Rollouts * s.GRPO.DynamicSampling.Rounds
			return unless(planned <= MaxRollouts,
				"groups x rollouts x rounds is %d rollouts a step, more than %d", planned, MaxRollouts)
		}},
		{[]string{"limits.collect_rollouts", "tasks.rollouts"}, func(s *Spec) string {
			return unless(s.Limits.CollectRollouts >= s.Tasks.Rollouts,
				"%d is less than tasks.rollouts (%d): groups are assembled whole", s.Limits.CollectRollouts, s.Tasks.Rollouts)
		}},
		{[]string{"limits.gradient_groups"}, func(s *Spec) string {
			n := s.Limits.GradientGroups
			return unless(n&(n-1) == 0, "%d is no power of two: shards are aligned parts of the tree in which groups are added", n)
		}},
		{[]string{"limits.deadlines.rollout", "agent.timeout", "agent.attempts"}, func(s *Spec) string {
			return deadlineProblem(s.Limits.Deadlines.Rollout, "agent.timeout", s.Agent.Timeout, s.Agent.Attempts)
		}},
		{[]string{"limits.deadlines.eval", "eval.timeout", "agent.timeout", "agent.attempts"}, func(s *Spec) string {
			if s.Eval == nil {
				return ""
			}
			return deadlineProblem(s.Limits.Deadlines.Eval, "eval.timeout", s.Eval.Timeout, s.Agent.Attempts)
		}},
	}
}

// deadlineProblem holds a phase's deadline against the time that one slow
// rollout may take: a deadline is never a rollout's fate, so it must leave room
// for all of its attempts.
func deadlineProblem(deadline Duration, name string, timeout Duration, attempts int) string {
	return unless(deadline >= timeout*Duration(attempts),
		"%s is shorter than %d attempts of %s (%s) each: the job would end before a slow agent has failed",
		deadline, attempts, timeout, name)
}

// urlProblem says why an agent cannot be reached at a URL of the right form.
func urlProblem(raw string) string {
	u, err := url.Parse(raw)
	return unless(err == nil && u.Hostname() != "", "%q is not a URL with a host, such as http://127.0.0.1:8080/rollouts", clip(raw))
}
