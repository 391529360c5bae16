package learner

import (
	"fmt"
	"math"
	"slices"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// shuffleDomain keeps the streams that shuffle groups into mini-batches apart
// from all others.
const shuffleDomain = 11

// Step learns from the used samples of a step, in the order of groups and
// rollouts, and returns the step's metrics. Without samples nothing is learnt
// and the weights stay. An error leaves the learner unusable.
func (l *Learner) Step(step int, samples []batch.Sample) ([]job.Metric, error) {
	if len(samples) == 0 {
		return nil, nil
	}
	b, err := l.newBatch(samples)
	if err != nil {
		return nil, fmt.Errorf("step %d: %w", step, err)
	}
	g := l.spec.GRPO
	all := make([]int, b.layout.Groups())
	for i := range all {
		all[i] = i
	}
	whole, longest := b.count(all), b.longest()
	rate := l.recipe.schedule.Rate(step)
	var norms []float64
	var tallies []grpo.Tally
	for epoch := range g.Epochs {
		parts := minibatches(l.spec.Seed, step, epoch, all, g.Minibatches)
		for _, groups := range parts {
			totals := l.recipe.objective.Aggregation.Totals(whole, b.count(groups), len(parts))
			totals.MaxLength = longest
			gradient, tally, err := b.gradient(groups, totals)
			if err != nil {
				return nil, fmt.Errorf("step %d, epoch %d: %w", step, epoch, err)
			}
			norm, err := optimize.ClipByGlobalNorm(gradient, l.spec.Optimizer.MaxGradNorm)
			if err != nil {
				return nil, fmt.Errorf("step %d, epoch %d: %w", step, epoch, err)
			}
			l.optimizer.Step(l.policy.Weights().Flat, gradient, rate)
			norms = append(norms, norm)
			tallies = append(tallies, tally)
		}
	}
	for i, w := range l.policy.Weights().Flat {
		if math.IsNaN(float64(w)) || math.IsInf(float64(w), 0) {
			return nil, fmt.Errorf("step %d: weight %d is %v after the update: the learning rate may be too high", step, i, w)
		}
	}
	metrics := b.metrics()
	for _, m := range grpo.Combine(tallies).Metrics(l.recipe.objective) {
		metrics = append(metrics, job.Metric(m))
	}
	return append(metrics,
		job.Metric{Name: "learning_rate", Value: rate},
		job.Metric{Name: "grad_norm", Value: numerics.Sum(norms) / float64(len(norms))},
	), nil
}

// minibatches cuts the groups into n parts of nearly equal size (one a group, if
// there are fewer), each in the order of groups. With several parts, which groups go together is drawn anew
// in every epoch.
func minibatches(seed uint64, step, epoch int, groups []int, n int) [][]int {
	n = min(n, len(groups))
	if n == 1 {
		return [][]int{groups}
	}
	order := slices.Clone(groups)
	r := numerics.NewStream(seed, shuffleDomain, uint64(step), uint64(epoch))
	for i := len(order) - 1; i > 0; i-- {
		j := r.IntN(i + 1)
		order[i], order[j] = order[j], order[i]
	}
	parts := make([][]int, n)
	for i := range parts {
		part := slices.Clone(order[i*len(order)/n : (i+1)*len(order)/n])
		slices.Sort(part)
		parts[i] = part
	}
	return parts
}
