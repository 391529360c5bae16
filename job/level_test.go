package job_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// several are the rewards of a rollout as an outcome has them; below 0 stands
// for one that was not given.
func several(o job.Outcome, components []spec.Component, values []float64) job.Outcome {
	sum := 0.0
	for i, v := range values {
		if v < 0 {
			o.Rewards = append(o.Rewards, nil)
			continue
		}
		o.Rewards = append(o.Rewards, &values[i])
		sum += components[i].Weight * v
	}
	o.Reward = &sum
	return o
}

// scored are rewards as the learner has them: a row of values per rollout.
func scored(components []spec.Component, group []job.Row, r *grpo.Rewards) {
	for _, row := range group {
		parts := row.Rewards
		if len(components) == 0 {
			parts = []*float64{row.Reward}
		}
		for _, p := range parts {
			r.Valid = append(r.Valid, p != nil)
			if p == nil {
				r.Values = append(r.Values, 0)
			} else {
				r.Values = append(r.Values, *p)
			}
		}
	}
}

// drawSeveral draws a step of one round whose rollouts have some rewards, few
// values each, so that groups that compare nothing are common.
func drawSeveral(t *rapid.T) (*spec.Spec, []job.Round) {
	s := drawSpec(t)
	s.Tasks.Groups, s.GRPO.ZeroVariance = 4, "drop"
	s.GRPO.Advantage = spec.Advantage{
		Estimator: rapid.SampledFrom([]string{"gdpo", "gdpo", "grpo", "dr_grpo", "rloo", "reinforce_pp_baseline", "gpg", "opo"}).Draw(t, "estimator"),
		DDOF:      rapid.IntRange(0, 1).Draw(t, "ddof"), Singleton: "nothing", Equal: "nothing",
	}
	row, err := grpo.NamedEstimator(s.GRPO.Advantage.Estimator)
	if err != nil {
		t.Fatal(err)
	}
	s.GRPO.Advantage.Scale, s.GRPO.Advantage.Epsilon = string(row.Scale), &row.Epsilon
	for range rapid.IntRange(0, 3).Draw(t, "components") {
		s.Reward.Components = append(s.Reward.Components, spec.Component{Weight: rapid.SampledFrom([]float64{-1, 0, 0.1, 1, 2}).Draw(t, "weight")})
	}
	def := job.Definition{ID: "j", Spec: s, Tasks: job.DataSet{Lines: 7}}
	plan := def.PlanRound(job.Unit{Job: "j", Step: 1}, job.PolicyRef{}, 0)
	record := new(job.CollectRecord)
	for i := range plan.Planned() {
		o := drawOutcome(t, i/plan.Rollouts, i%plan.Rollouts)
		if n := len(s.Reward.Components); o.Reason == "" && n > 0 {
			values := rapid.SliceOfN(rapid.SampledFrom([]float64{-1, 0, 0.1, 1, 1}), n, n).Draw(t, "rewards")
			if slices.Max(values) < 0 {
				values[0] = 0
			}
			o = several(o, s.Reward.Components, values)
		}
		record.Outcomes = append(record.Outcomes, o)
	}
	return s, []job.Round{{Plan: plan, Collects: []*job.CollectRecord{record}}}
}

// A group is dropped for equal rewards exactly if the learner, which has the
// same rewards and estimator, would give advantages of 0 to all of it.
func TestDroppedGroupsAreThoseWithoutAdvantages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, rounds := drawSeveral(t)
		e, err := s.GRPO.Advantage.AsEstimator()
		if err != nil {
			t.Fatal(err)
		}
		rewards := grpo.Rewards{Functions: len(s.Reward.Components)}
		for _, c := range s.Reward.Components {
			rewards.Weights = append(rewards.Weights, c.Weight)
		}
		layout := grpo.Layout{GroupOffsets: []int{0}}
		var dropped []bool
		for group := range slices.Chunk(job.Settle(rounds, s), s.Tasks.Rollouts) {
			group = slices.DeleteFunc(group, func(r job.Row) bool { return r.Reason != "" && r.Reason != job.ZeroVariance })
			if len(group) == 0 {
				continue
			}
			scored(s.Reward.Components, group, &rewards)
			layout.GroupOffsets = append(layout.GroupOffsets, layout.Rollouts()+len(group))
			dropped = append(dropped, group[0].Reason == job.ZeroVariance)
		}
		n := layout.Rollouts()
		advantages, lengths := make([]float64, n), slices.Repeat([]int{3}, n)
		if err := grpo.AdvantagesTo(advantages, make([]float64, len(dropped)), e, rewards, layout, lengths, new(grpo.Scratch)); err != nil {
			t.Fatal(err)
		}
		for g, is := range dropped {
			first, last := layout.RolloutsOf(g)
			silent := !slices.ContainsFunc(advantages[first:last], func(a float64) bool { return a != 0 })
			if silent != is {
				t.Fatalf("group %d with rewards %v, advantages %v: dropped is %v", g, rewards.Values[first*max(1, rewards.Functions):last*max(1, rewards.Functions)], advantages[first:last], is)
			}
		}
	})
}

func TestSeveralRewardsAreJudgedAsTheEstimatorNormalisesThem(t *testing.T) {
	t.Parallel()
	components := []spec.Component{{Name: "exact", Weight: 1}, {Name: "style", Weight: 2}}
	const missing = -1
	for _, c := range []struct {
		name      string
		rewards   [][]float64
		sum, each job.Reason // with sum_then_normalize and normalize_then_sum
	}{
		{"sums differ", [][]float64{{1, 0}, {0, 0}}, "", ""},
		{"sums are equal, rewards are not", [][]float64{{2, 0}, {0, 1}}, job.ZeroVariance, ""},
		{"rewards are equal", [][]float64{{2, 1}, {2, 1}}, job.ZeroVariance, job.ZeroVariance},
		{"what is missing makes the sums differ", [][]float64{{2, 1}, {2, missing}}, "", job.ZeroVariance},
		{"one of three rewards is missing", [][]float64{{2, 1}, {2, missing}, {2, 0}}, "", ""},
	} {
		for estimator, want := range map[string]job.Reason{"grpo": c.sum, "gdpo": c.each} {
			s := define(t, nil).Spec
			s.Tasks.Groups, s.Reward.Components, s.GRPO.Advantage.Estimator = 1, components, estimator
			record, sums := new(job.CollectRecord), new(job.CollectRecord)
			for i, values := range c.rewards {
				o := several(usable(0, i, 0), components, values)
				record.Outcomes = append(record.Outcomes, o)
				o.Rewards = nil
				sums.Outcomes = append(sums.Outcomes, o)
			}
			plan := &job.Plan{Tasks: []int{0}, Rollouts: len(c.rewards)}
			judged := func(r *job.CollectRecord) job.Reason {
				return job.Settle([]job.Round{{Plan: plan, Collects: []*job.CollectRecord{r}}}, s)[0].Reason
			}
			if got := judged(record); got != want {
				t.Errorf("%s: %s says %q, want %q", c.name, estimator, got, want)
			}
			if got := judged(sums); got != c.sum {
				t.Errorf("%s: by a record that has only sums %s says %q, want %q", c.name, estimator, got, c.sum)
			}
		}
	}
}
