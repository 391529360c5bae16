package learner

import (
	"fmt"
	"runtime"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/policy"
)

// trainingBatch is a step's batch in the form that objective and policy take.
type trainingBatch struct {
	learner   *Learner
	objective grpo.Objective // of this step
	layout    grpo.Layout
	tokens    grpo.Batch[float32]
	choices   []policy.Choices // one per group
	dst       grpo.Gradient[float32]
	truncated []bool // by rollout
	rewards   grpo.Rewards
	spread    []float64 // standard deviation of the rewards of each group
	drift     float64   // mean divergence from the reference before the step, where it is in the reward
	scratch   []workspace

	interrupted func() error // says why to go on no more; nil if nobody asks
}

// newBatch arranges samples by group, evaluates the policies before the step,
// and computes the advantages. Of a batch whose gradients are computed elsewhere
// the policies are evaluated only if the advantages depend on it.
func (l *Learner) newBatch(samples []batch.Sample, elsewhere bool) (*trainingBatch, error) {
	b, err := l.arranged(samples, l.objective())
	if err != nil {
		return nil, err
	}
	checked := b.objective
	if elsewhere {
		b.scratch, checked = make([]workspace, 1), grpo.Objective{}
	} else {
		b.makeRoom()
	}
	if !elsewhere || b.objective.KL.InReward {
		b.evaluateBefore(l.policy)
		b.evaluateReference()
	}
	if err := b.reward(samples); err != nil {
		return nil, err
	}
	return b, b.tokens.Validate(checked)
}

// arranged are samples as they were recorded, under an objective.
func (l *Learner) arranged(samples []batch.Sample, o grpo.Objective) (*trainingBatch, error) {
	b := &trainingBatch{learner: l, objective: o}
	if err := b.arrange(samples); err != nil {
		return nil, err
	}
	b.remember(samples)
	if l.spec.GRPO.Truncated == "mask" {
		b.tokens.Mask = make([]bool, b.layout.Tokens())
		for t := range b.tokens.Mask {
			b.tokens.Mask[t] = true
		}
		grpo.MaskTruncated(b.tokens.Mask, b.layout, b.truncated)
	}
	return b, nil
}

// makeRoom allocates what gradients are computed in.
func (b *trainingBatch) makeRoom() {
	n := len(b.learner.policy.Weights().Flat)
	for range max(1, min(runtime.GOMAXPROCS(0), b.layout.Groups())) {
		b.scratch = append(b.scratch, workspace{gradient: make([]float32, n), leaf: make([]float64, n)})
	}
	b.dst = grpo.Gradient[float32]{LogProb: make([]float32, b.layout.Tokens())}
	if b.objective.Entropy.Coefficient > 0 {
		b.dst.Entropy = make([]float32, b.layout.Tokens())
	}
}

// arrange lays the samples out, which are in the order of groups and rollouts.
func (b *trainingBatch) arrange(samples []batch.Sample) error {
	b.layout = grpo.Layout{RowOffsets: []int{0}, GroupOffsets: []int{0}}
	for i, s := range samples {
		if i > 0 && s.Group != samples[i-1].Group {
			b.layout.GroupOffsets = append(b.layout.GroupOffsets, i)
		}
		b.layout.RowOffsets = append(b.layout.RowOffsets, b.layout.Tokens()+s.Choices.Len())
		b.truncated = append(b.truncated, s.Truncated)
	}
	b.layout.GroupOffsets = append(b.layout.GroupOffsets, len(samples))
	if err := b.layout.Validate(); err != nil {
		return err
	}
	for g := range b.layout.Groups() {
		first, last := b.layout.RolloutsOf(g)
		joined := join(samples[first:last])
		if err := joined.Validate(b.learner.policy.Shape()); err != nil {
			return fmt.Errorf("group %d: %w", samples[first].Group, err)
		}
		b.choices = append(b.choices, joined)
	}
	return nil
}

// join puts the decisions of several rollouts behind each other.
func join(samples []batch.Sample) policy.Choices {
	c := policy.Choices{Offsets: []int{0}}
	for _, s := range samples {
		c.Width = s.Choices.Width
		c.Features = append(c.Features, s.Choices.Features...)
		c.Chosen = append(c.Chosen, s.Choices.Chosen...)
		at := c.Offsets[len(c.Offsets)-1]
		for _, o := range s.Choices.Offsets[1:] {
			c.Offsets = append(c.Offsets, at+o)
		}
	}
	return c
}

// remember fills in what the agents recorded of the samples.
func (b *trainingBatch) remember(samples []batch.Sample) {
	n := b.layout.Tokens()
	recorded := make([]float32, 0, n)
	for i := range samples {
		recorded = append(recorded, samples[i].LogProbs...)
	}
	b.tokens = grpo.Batch[float32]{
		Layout: b.layout, LogProb: make([]float32, n), Entropy: make([]float32, n), Advantages: make([]float32, len(samples)),
	}
	b.tokens.Old = recorded
}

// recomputes reports whether the log-probabilities before the step are those of
// the policy, whatever the agents recorded.
func (l *Learner) recomputes() bool { return l.spec.GRPO.Old == "recomputed" }

// evaluateBefore fills in what the policy before the step says of the samples.
func (b *trainingBatch) evaluateBefore(before policy.Policy) {
	b.evaluate(b.tokens.LogProb, b.tokens.Entropy, before)
	if b.learner.recomputes() {
		b.tokens.Old, b.tokens.Sampling = append([]float32(nil), b.tokens.LogProb...), b.tokens.Old
	}
}

// evaluateReference fills in what the reference says of the samples, if there
// is one.
func (b *trainingBatch) evaluateReference() {
	if b.learner.reference != nil {
		b.tokens.Reference = make([]float32, b.layout.Tokens())
		b.evaluate(b.tokens.Reference, nil, b.learner.reference)
	}
}

// evaluate writes the log-probabilities of all choices under p to logProbs, and
// the entropies to entropies, unless that is nil.
func (b *trainingBatch) evaluate(logProbs, entropies []float32, p policy.Policy) {
	a := &b.scratch[0].activations
	for g := range b.choices {
		p.Forward(a, b.choices[g])
		from, to := b.span(g)
		copy(logProbs[from:to], a.LogProb)
		if entropies != nil {
			copy(entropies[from:to], a.Entropy)
		}
	}
}

// span is the range of tokens of a group.
func (b *trainingBatch) span(g int) (from, to int) {
	first, last := b.layout.RolloutsOf(g)
	return b.layout.RowOffsets[first], b.layout.RowOffsets[last]
}

// lengths are the decisions of each rollout.
func (b *trainingBatch) lengths() []int {
	n := make([]int, b.layout.Rollouts())
	grpo.LengthsTo(n, b.layout, nil)
	return n
}
