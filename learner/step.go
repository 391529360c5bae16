package learner

import (
	"fmt"
	"iter"
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
	return l.learn(step, samples, false, (*trainingBatch).gradients)
}

// source yields the gradients of some mini-batches, in their order, under the
// weights as they are.
type source func(b *trainingBatch, chunk []minibatch) iter.Seq2[Partial, error]

// A minibatch is some groups of a batch, in order, whose gradient is computed.
type minibatch struct {
	epoch, number int
	groups        []int
	totals        grpo.Totals
}

// learn makes the updates of a step with the gradients of a source, which are
// computed elsewhere or here.
func (l *Learner) learn(step int, samples []batch.Sample, elsewhere bool, gradients source) ([]job.Metric, error) {
	if len(samples) == 0 {
		l.follow(step)
		return nil, nil
	}
	b, err := l.newBatch(samples, elsewhere)
	if err != nil {
		return nil, fmt.Errorf("step %d: %w", step, err)
	}
	all := make([]int, b.layout.Groups())
	for i := range all {
		all[i] = i
	}
	done := updates{whole: b.count(all), rate: l.recipe.schedule.Rate(step)}
	for epoch := range l.spec.GRPO.Epochs {
		parts := minibatches(l.spec.Seed, step, epoch, all, l.spec.GRPO.Minibatches)
		for first := 0; first < len(parts); first += l.spec.GRPO.Accumulate {
			var chunk []minibatch
			for i, groups := range parts[first:min(first+l.spec.GRPO.Accumulate, len(parts))] {
				chunk = append(chunk, minibatch{epoch, first + i, groups, b.totals(groups, done.whole, len(parts))})
			}
			if err := l.update(gradients(b, chunk), &done); err != nil {
				return nil, fmt.Errorf("step %d, epoch %d: %w", step, epoch, err)
			}
		}
	}
	return l.concluded(step, b, &done)
}

// concluded checks what the updates of a step came to, moves what adapts from
// step to step, and returns the metrics.
func (l *Learner) concluded(step int, b *trainingBatch, done *updates) ([]job.Metric, error) {
	for i, w := range l.policy.Weights().Flat {
		if math.IsNaN(float64(w)) || math.IsInf(float64(w), 0) {
			return nil, fmt.Errorf("step %d: weight %d is %v after the update: the learning rate may be too high", step, i, w)
		}
	}
	metrics := b.metrics(done)
	tally, divergence := grpo.Combine(done.tallies), b.drift
	if !b.objective.KL.InReward {
		divergence = tally.MeanKL()
	}
	l.adapt(b.layout.Rollouts(), divergence, tally.MeanEntropy())
	l.follow(step)
	return metrics, nil
}

// updates is what the updates of a step have in common, and what came of them.
type updates struct {
	whole   grpo.Totals // of the batch
	rate    float64
	norms   []float64    // of the gradients, before clipping; one per update
	tallies []grpo.Tally // one per mini-batch
}

// update makes one optimizer step with the mean of some gradients.
func (l *Learner) update(gradients iter.Seq2[Partial, error], u *updates) error {
	var sum []float64
	n := 0.0
	for g, err := range gradients {
		if err != nil {
			return err
		}
		u.tallies = append(u.tallies, g.Tally)
		if n++; sum == nil {
			sum = g.Sum
			continue
		}
		for i, v := range g.Sum {
			sum[i] += v
		}
	}
	if n > 1 {
		for i := range sum {
			sum[i] /= n
		}
	}
	norm, err := optimize.ClipByGlobalNorm(sum, l.spec.Optimizer.MaxGradNorm)
	if err != nil {
		return err
	}
	l.optimizer.Step(l.policy.Weights().Flat, sum, u.rate)
	u.norms = append(u.norms, norm)
	return nil
}

// minibatches cuts the groups into n parts of nearly equal size (one a group, if
// there are fewer), each in the order of groups. With several parts, which groups
// go together is drawn anew in every epoch.
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
