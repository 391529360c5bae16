package learner

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/policy"
)

// A Part is what one shard computes of a mini-batch's gradient: that of some of
// its groups, which are an aligned subtree of the tree in which groups are
// added. It holds all that does not follow from these groups alone.
type Part struct {
	Epoch, Minibatch int // from 0, the second within the first
	Shard, Shards    int // of the mini-batch
	Groups           []Group
	KL, Entropy      float64 // coefficients of the step
	Totals           grpo.Totals
	// Weights are those at this update, which is over before they change; nil
	// if they are still those that the step began from.
	Weights []float32
}

// A Group is the samples [First, Last) of a batch, and their advantages.
type Group struct {
	First, Last int
	Advantages  []float32
}

// Policies are what a part is computed with. Reference may be nil where the loss
// has no divergence.
type Policies struct {
	Start     policy.Policy // that the step began from
	Now       policy.Policy // at this update; nil: Start
	Reference policy.Policy
}

// Gradient computes a part of which samples are all groups, in order: the same
// bits as in a step that computes everything itself. An error that wraps
// grpo.ErrNotFinite is the part's fate, however often it is computed.
func (p *Part) Gradient(ctx context.Context, s *spec.Spec, samples []batch.Sample, with Policies) (Partial, error) {
	r, err := recipeOf(s)
	if err != nil {
		return Partial{}, err
	}
	o := r.objective
	o.KL.Coefficient, o.Entropy.Coefficient = p.KL, p.Entropy
	l := &Learner{spec: s, recipe: r, policy: with.Start}
	if o.KL.Kind != grpo.KLNone && !o.KL.InReward {
		if l.reference = with.Reference; l.reference == nil {
			return Partial{}, fmt.Errorf("%w: the reference policy of grpo.kl is missing", ErrMismatch)
		}
	}
	b, err := l.arranged(samples, o)
	if err != nil {
		return Partial{}, err
	}
	if b.layout.Groups() != len(p.Groups) {
		return Partial{}, fmt.Errorf("the samples are of %d groups, the part is of %d", b.layout.Groups(), len(p.Groups))
	}
	b.makeRoom()
	groups := make([]int, len(p.Groups))
	for g := range p.Groups {
		first, last := b.layout.RolloutsOf(g)
		if copy(b.tokens.Advantages[first:last], p.Groups[g].Advantages) != len(p.Groups[g].Advantages) || len(p.Groups[g].Advantages) != last-first {
			return Partial{}, fmt.Errorf("group %d has %d samples and %d advantages", samples[first].Group, last-first, len(p.Groups[g].Advantages))
		}
		groups[g] = g
	}
	if with.Now == nil || l.recomputes() {
		b.evaluateBefore(with.Start)
	}
	b.evaluateReference()
	if err := b.tokens.Validate(o); err != nil {
		return Partial{}, err
	}
	if with.Now != nil {
		l.policy = with.Now
	}
	b.interrupted = ctx.Err
	return b.gradient(groups, p.Totals)
}

// Compute computes a part of a step that began from l, from all samples of the
// batch. It leaves l as it is.
func (l *Learner) Compute(ctx context.Context, p *Part, samples []batch.Sample) (Partial, error) {
	with := Policies{Start: l.policy, Reference: l.reference}
	if p.Weights != nil {
		now, err := policy.FromTensors(l.policy.Weights().Tensors)
		if err != nil {
			return Partial{}, fmt.Errorf("copy the policy: %w", err)
		}
		copy(now.Weights().Flat, p.Weights)
		with.Now = now
	}
	var mine []batch.Sample
	for _, g := range p.Groups {
		mine = append(mine, samples[g.First:g.Last]...)
	}
	return p.Gradient(ctx, l.spec, mine, with)
}
