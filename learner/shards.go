package learner

import (
	"errors"
	"fmt"
	"iter"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
)

// Ask has parts of gradients computed elsewhere, all at once, and yields them in
// their order, or an error.
type Ask func(parts []Part) iter.Seq2[Partial, error]

// StepInShards is Step with gradients that are computed elsewhere, in shards of
// so many groups, a power of two: the same bits. A batch whose mini-batches have
// no more groups than one shard is learnt from here.
func (l *Learner) StepInShards(step int, samples []batch.Sample, groups int, ask Ask) ([]job.Metric, error) {
	if groups < 1 || groups&(groups-1) != 0 {
		return nil, fmt.Errorf("gradient shards of %d groups: use a power of two", groups)
	}
	if l.largest(samples) <= groups {
		return l.Step(step, samples)
	}
	start := true
	return l.learn(step, samples, true, func(b *trainingBatch, chunk []minibatch) iter.Seq2[Partial, error] {
		var parts []Part
		for _, m := range chunk {
			parts = append(parts, b.cut(m, groups, start)...)
		}
		start = false
		return joined(ask(parts), parts, len(l.policy.Weights().Flat))
	})
}

// largest is the number of groups of the largest mini-batch.
func (l *Learner) largest(samples []batch.Sample) int {
	groups := 0
	for i := range samples {
		if i == 0 || samples[i].Group != samples[i-1].Group {
			groups++
		}
	}
	n := min(l.spec.GRPO.Minibatches, groups)
	if n == 0 {
		return 0
	}
	return (groups + n - 1) / n
}

// cut cuts a mini-batch into parts of so many groups; start says that the
// weights are those that the step began from.
func (b *trainingBatch) cut(m minibatch, groups int, start bool) []Part {
	parts := make([]Part, (len(m.groups)+groups-1)/groups)
	for i := range parts {
		p := Part{
			Epoch: m.epoch, Minibatch: m.number, Shard: i, Shards: len(parts),
			KL: b.objective.KL.Coefficient, Entropy: b.objective.Entropy.Coefficient, Totals: m.totals,
		}
		if !start {
			p.Weights = b.learner.policy.Weights().Flat
		}
		for _, g := range m.groups[i*groups : min((i+1)*groups, len(m.groups))] {
			first, last := b.layout.RolloutsOf(g)
			p.Groups = append(p.Groups, Group{First: first, Last: last, Advantages: b.tokens.Advantages[first:last]})
		}
		parts[i] = p
	}
	return parts
}

// joined adds the partial sums of each mini-batch to its gradient: they are the
// nodes of one level of its tree, which are added as leaves are.
func joined(partials iter.Seq2[Partial, error], parts []Part, width int) iter.Seq2[Partial, error] {
	return func(yield func(Partial, error) bool) {
		tree, tallies := numerics.NewTree(width), []grpo.Tally(nil)
		rest := parts
		for p, err := range partials {
			if err == nil && (len(rest) == 0 || len(p.Sum) != width) {
				err = fmt.Errorf("a partial sum of %d weights does not fit", len(p.Sum))
			}
			if err != nil {
				yield(Partial{}, err)
				return
			}
			tree.Push(p.Sum)
			tallies = append(tallies, p.Tally)
			last := rest[0].Shard == rest[0].Shards-1
			if rest = rest[1:]; !last {
				continue
			}
			whole := Partial{Sum: make([]float64, width), Tally: grpo.Combine(tallies)}
			tree.Sum(whole.Sum)
			if !yield(whole, nil) {
				return
			}
			tree.Reset()
			tallies = tallies[:0]
		}
		if len(rest) > 0 {
			yield(Partial{}, errors.New("partial sums are missing"))
		}
	}
}
