package replay

import (
	"math"

	"github.com/cohort-rl/cohort/job"
)

// RewardMetrics are the metrics of a step that its ledger alone tells, over all
// rollouts with a reward, used or not: reward is their mean, reward_std the
// mean over groups of their standard deviation (n-1), frac_reward_zero_std the
// share of groups whose rewards are all equal. Names are TRL's.
func RewardMetrics(rows []job.Row) []job.Metric {
	var total job.Totals
	var sum, spread float64
	scored, groups, equal := 0, 0, 0
	for from := 0; from < len(rows); {
		to := from
		var values []float64
		for ; to < len(rows) && rows[to].Group == rows[from].Group; to++ {
			total.Add(rows[to].Reason)
			if r := rows[to].Reward; r != nil {
				values = append(values, *r)
			}
		}
		from = to
		if len(values) == 0 {
			continue
		}
		groups++
		scored += len(values)
		mean, std := moments(values)
		sum += mean * float64(len(values))
		spread += std
		if std == 0 {
			equal++
		}
	}
	metrics := []job.Metric{
		{Name: "rollouts/planned", Value: float64(total.Planned)},
		{Name: "rollouts/used", Value: float64(total.Used)},
		{Name: "rollouts/dropped", Value: float64(total.Dropped)},
		{Name: "rollouts/failed", Value: float64(total.Failed)},
	}
	if groups == 0 {
		return metrics
	}
	return append(metrics,
		job.Metric{Name: "reward", Value: sum / float64(scored)},
		job.Metric{Name: "reward_std", Value: spread / float64(groups)},
		job.Metric{Name: "frac_reward_zero_std", Value: float64(equal) / float64(groups)},
	)
}

// moments are the mean and the standard deviation (n-1) of some values.
func moments(values []float64) (mean, std float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	if len(values) < 2 {
		return mean, 0
	}
	squares := 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(squares / float64(len(values)-1))
}
