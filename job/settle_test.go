package job_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
)

// collected are the reasons that collection gives; the others are verdicts.
func collected() []job.Reason {
	return []job.Reason{
		job.IncompleteTrace, job.CorruptTrace, job.StalePolicy, job.NoReward, job.RewardFailed, job.InvalidReward, job.NoDecision,
		job.AgentError, job.AgentTimeout, job.AgentCrashed,
	}
}

// drawSpec draws what Settle looks at.
func drawSpec(t *rapid.T) *spec.Spec {
	s := new(spec.Spec)
	s.Tasks.Groups = rapid.IntRange(1, 5).Draw(t, "groups")
	s.Tasks.Rollouts = rapid.IntRange(2, 5).Draw(t, "rollouts")
	s.GRPO.MinGroup = rapid.IntRange(2, 4).Draw(t, "min_group")
	s.GRPO.ZeroVariance = rapid.SampledFrom([]string{"drop", "keep"}).Draw(t, "zero_variance")
	s.Limits.CollectRollouts = rapid.IntRange(1, 30).Draw(t, "collect_rollouts")
	s.Limits.ShardRollouts = 4
	s.Traces.Partitions = 2
	return s
}

// drawOutcome draws what collection says of a rollout; the rewards are few, so
// that groups without variance are common.
func drawOutcome(t *rapid.T, group, rollout int) job.Outcome {
	if rapid.IntRange(0, 2).Draw(t, "fate") == 0 {
		return unusable(group, rollout, rapid.SampledFrom(collected()).Draw(t, "reason"))
	}
	return usable(group, rollout, float64(rapid.IntRange(0, 1).Draw(t, "reward")))
}

// drawRounds draws the collected rounds of a step.
func drawRounds(t *rapid.T, s *spec.Spec) []job.Round {
	def := job.Definition{ID: "j", Spec: s, Tasks: job.DataSet{Lines: 7}}
	var rounds []job.Round
	first := 0
	for r := range rapid.IntRange(1, 3).Draw(t, "rounds") {
		plan := def.PlanRound(job.Unit{Job: "j", Step: 1, Round: r}, job.PolicyRef{}, first)
		first += len(plan.Tasks)
		rounds = append(rounds, job.Round{Plan: plan, Collects: drawCollects(t, plan)})
	}
	return rounds
}

func drawCollects(t *rapid.T, plan *job.Plan) []*job.CollectRecord {
	phase := plan.CollectPhases()[len(plan.CollectPhases())-1]
	records := make([]*job.CollectRecord, plan.Shards(phase))
	for i := range records {
		records[i] = new(job.CollectRecord)
		for from, to := plan.Span(phase, i); from < to; from++ {
			g, r := plan.At(from)
			records[i].Outcomes = append(records[i].Outcomes, drawOutcome(t, g, r))
		}
	}
	return records
}

func TestEveryPlannedRolloutGetsExactlyOneFate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpec(t)
		rounds := drawRounds(t, s)
		rows := job.Settle(rounds, s)
		i := 0
		for _, r := range rounds {
			for j := range r.Plan.Planned() {
				g, rollout := r.Plan.At(j)
				row := rows[i]
				if row.Unit != r.Plan.Unit || row.Group != g || row.Rollout != rollout || row.Task != r.Plan.Tasks[g-r.Plan.First] {
					t.Fatalf("row %d is %+v, planned is %d/%d", i, row, g, rollout)
				}
				if (row.Reason == "") && row.Reward == nil {
					t.Fatalf("row %+v is used without a reward", row)
				}
				i++
			}
		}
		totals := job.Count(rows)
		if i != len(rows) || totals.Planned != i || totals.Used+totals.Dropped+totals.Failed != i {
			t.Fatalf("%d planned, %d rows, totals %+v", i, len(rows), totals)
		}
	})
}

// What collection said of a rollout is never made better, and only a usable
// rollout gets its group's verdict.
func TestSettleKeepsWhatCollectionSaid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpec(t)
		rounds := drawRounds(t, s)
		rows := job.Settle(rounds, s)
		var before []job.Outcome
		for _, r := range rounds {
			before = append(before, r.Outcomes()...)
		}
		for i, row := range rows {
			was := before[i].Reason
			verdict := slices.Contains([]job.Reason{"", job.GroupTooSmall, job.ZeroVariance, job.Surplus}, row.Reason)
			if was != "" && row.Reason != was || was == "" && !verdict {
				t.Fatalf("row %d: collection said %q, the ledger says %q", i, was, row.Reason)
			}
			row.Reason = was
			if !reflect.DeepEqual(row.Outcome, before[i]) {
				t.Fatalf("row %d: %+v became %+v", i, before[i], row.Outcome)
			}
		}
	})
}

// G2: groups are judged by identity. What becomes of other groups changes a
// group's verdict only between used and surplus.
func TestGroupsVerdictDependsOnItsOwnMembersAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpec(t)
		s.Tasks.Groups = rapid.IntRange(2, 5).Draw(t, "several groups")
		rounds := drawRounds(t, s)[:1]
		plan := rounds[0].Plan
		kept := rapid.IntRange(0, len(plan.Tasks)-1).Draw(t, "kept")
		changed := job.Round{Plan: plan, Collects: []*job.CollectRecord{{}}}
		for i, o := range rounds[0].Outcomes() {
			if i/plan.Rollouts != kept {
				o = drawOutcome(t, o.Group, o.Rollout)
			}
			changed.Collects[0].Outcomes = append(changed.Collects[0].Outcomes, o)
		}
		from, to := kept*plan.Rollouts, (kept+1)*plan.Rollouts
		a, b := job.Settle(rounds, s)[from:to], job.Settle([]job.Round{changed}, s)[from:to]
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("group %d was judged %+v, and %+v beside other groups", kept, a, b)
		}
	})
}

func TestGroupIsSurplusOnlyBeyondTasksGroups(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSpec(t)
		rows := job.Settle(drawRounds(t, s), s)
		used := map[int]bool{}
		surplus := false
		for _, row := range rows {
			switch row.Reason {
			case "":
				if surplus {
					t.Fatalf("group %d is used after a surplus one", row.Group)
				}
				used[row.Group] = true
			case job.Surplus:
				surplus = true
			default:
			}
		}
		if len(used) > s.Tasks.Groups || surplus && len(used) != s.Tasks.Groups {
			t.Fatalf("%d groups are used of at most %d, surplus: %v", len(used), s.Tasks.Groups, surplus)
		}
	})
}

func TestSettleJudgesGroups(t *testing.T) {
	t.Parallel()
	const noReward = -1 // stands for an outcome without a reward
	for _, c := range []struct {
		name         string
		rewards      []float64
		minGroup     int
		zeroVariance string
		want         job.Reason
	}{
		{"different rewards", []float64{0, 1, 0}, 2, "drop", ""},
		{"equal rewards are dropped", []float64{1, 1, 1}, 2, "drop", job.ZeroVariance},
		{"equal rewards are kept", []float64{1, 1, 1}, 2, "keep", ""},
		{"missing rewards are not zeros", []float64{1, 1, noReward}, 2, "drop", job.ZeroVariance},
		{"enough members", []float64{0, 1, noReward}, 2, "drop", ""},
		{"too few members", []float64{0, 1, noReward}, 3, "drop", job.GroupTooSmall},
		{"one member teaches nothing", []float64{1, noReward, noReward}, 2, "keep", job.GroupTooSmall},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := new(spec.Spec)
			s.Tasks.Groups, s.GRPO.MinGroup, s.GRPO.ZeroVariance = 1, c.minGroup, c.zeroVariance
			record := new(job.CollectRecord)
			for i, r := range c.rewards {
				if r == noReward {
					record.Outcomes = append(record.Outcomes, unusable(0, i, job.NoReward))
				} else {
					record.Outcomes = append(record.Outcomes, usable(0, i, r))
				}
			}
			plan := &job.Plan{Tasks: []int{0}, Rollouts: len(c.rewards)}
			for i, row := range job.Settle([]job.Round{{Plan: plan, Collects: []*job.CollectRecord{record}}}, s) {
				want := c.want
				if c.rewards[i] == noReward {
					want = job.NoReward
				}
				if row.Reason != want {
					t.Errorf("rollout %d: %q, want %q", i, row.Reason, want)
				}
			}
		})
	}
}

func TestFateOfEveryReason(t *testing.T) {
	t.Parallel()
	for reason, want := range map[job.Reason]job.Fate{
		"": job.Used, job.AgentError: job.Failed, job.AgentTimeout: job.Failed, job.AgentCrashed: job.Failed,
		job.IncompleteTrace: job.Dropped, job.CorruptTrace: job.Dropped, job.StalePolicy: job.Dropped,
		job.NoReward: job.Dropped, job.RewardFailed: job.Dropped, job.InvalidReward: job.Dropped, job.NoDecision: job.Dropped,
		job.GroupTooSmall: job.Dropped, job.ZeroVariance: job.Dropped, job.Surplus: job.Dropped, job.JobEnded: job.Dropped,
	} {
		if got := job.FateOf(reason); got != want {
			t.Errorf("%q is %s, want %s", reason, got, want)
		}
	}
}
