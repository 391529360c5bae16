package learner

import (
	"strings"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// metrics are those of the batch and of the updates made with it, in a fixed
// order. Those of all rewards, the dropped ones included, are the ledger's.
func (b *trainingBatch) metrics(u *updates) []job.Metric {
	found := grpo.LengthMetrics(b.lengths(), b.truncated)
	for _, m := range grpo.RewardMetrics(b.rewards, b.layout, b.spread) {
		if strings.HasPrefix(m.Name, "rewards/") {
			found = append(found, m)
		}
	}
	for _, m := range grpo.Combine(u.tallies).Metrics(b.objective) {
		if m.Name == "loss" || m.Name == "policy_loss" {
			m.Value /= float64(len(u.tallies)) // tallies add up, mini-batches do not
		}
		found = append(found, m)
	}
	if k := b.objective.KL; k.Kind != grpo.KLNone {
		if k.InReward {
			found = append(found, grpo.Metric{Name: "kl", Value: b.drift})
		}
		found = append(found, grpo.Metric{Name: "kl_coef", Value: k.Coefficient})
	}
	if e := b.learner.spec.GRPO.Entropy; e != nil && (e.Coefficient > 0 || e.Adaptive != nil) {
		found = append(found, grpo.Metric{Name: "entropy_coef", Value: b.objective.Entropy.Coefficient})
	}
	found = append(found,
		grpo.Metric{Name: "learning_rate", Value: u.rate},
		grpo.Metric{Name: "grad_norm", Value: numerics.Sum(u.norms) / float64(len(u.norms))},
	)
	metrics := make([]job.Metric, len(found))
	for i, m := range found {
		metrics[i] = job.Metric(m)
	}
	return metrics
}
