package learner

import (
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/policy"
)

// trainingBatch is a step's batch in the form that objective and policy take.
type trainingBatch struct {
	learner *Learner
	layout  grpo.Layout
	tokens  grpo.Batch[float32]
	choices []policy.Choices // one per group
	dst     grpo.Gradient[float32]
	rewards []float64
	spread  []float64 // standard deviation of the rewards of each group
	scratch []workspace
}

// workspace is the memory in which one goroutine computes leaves.
type workspace struct {
	activations policy.Activations
	gradient    []float32
	leaf        []float64
	tally       [1]grpo.Tally
}

// newBatch arranges samples by group, evaluates the policy before the step, and
// computes the advantages.
func (l *Learner) newBatch(samples []batch.Sample) (*trainingBatch, error) {
	b := &trainingBatch{learner: l, layout: grpo.Layout{RowOffsets: []int{0}, GroupOffsets: []int{0}}}
	for i, s := range samples {
		if i > 0 && s.Group != samples[i-1].Group {
			b.layout.GroupOffsets = append(b.layout.GroupOffsets, i)
		}
		b.layout.RowOffsets = append(b.layout.RowOffsets, b.layout.Tokens()+s.Choices.Len())
		b.rewards = append(b.rewards, s.Reward)
	}
	b.layout.GroupOffsets = append(b.layout.GroupOffsets, len(samples))
	if err := b.layout.Validate(); err != nil {
		return nil, err
	}
	for g := range b.layout.Groups() {
		first, last := b.layout.RolloutsOf(g)
		joined := join(samples[first:last])
		if err := joined.Validate(l.policy.Shape()); err != nil {
			return nil, fmt.Errorf("group %d: %w", samples[first].Group, err)
		}
		b.choices = append(b.choices, joined)
	}
	for range max(1, min(runtime.GOMAXPROCS(0), b.layout.Groups())) {
		n := len(l.policy.Weights().Flat)
		b.scratch = append(b.scratch, workspace{gradient: make([]float32, n), leaf: make([]float64, n)})
	}
	n := b.layout.Tokens()
	b.tokens = grpo.Batch[float32]{Layout: b.layout, LogProb: make([]float32, n), Old: make([]float32, n), Advantages: make([]float32, len(samples))}
	b.dst = grpo.Gradient[float32]{LogProb: make([]float32, n)}
	b.evaluate(b.tokens.Old, l.policy)
	copy(b.tokens.LogProb, b.tokens.Old)
	if l.reference != nil {
		b.tokens.Reference = make([]float32, n)
		b.evaluate(b.tokens.Reference, l.reference)
	}
	b.spread = make([]float64, b.layout.Groups())
	if err := grpo.AdvantagesTo(b.tokens.Advantages, b.spread, l.recipe.estimator, grpo.Rewards{Values: b.rewards}, b.layout, nil, new(grpo.Scratch)); err != nil {
		return nil, err
	}
	return b, b.tokens.Validate(l.recipe.objective)
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

// span is the range of tokens of a group.
func (b *trainingBatch) span(g int) (from, to int) {
	first, last := b.layout.RolloutsOf(g)
	return b.layout.RowOffsets[first], b.layout.RowOffsets[last]
}

// evaluate writes the log-probabilities of all choices under p to dst.
func (b *trainingBatch) evaluate(dst []float32, p policy.Policy) {
	var a policy.Activations
	for g := range b.choices {
		p.Forward(&a, b.choices[g])
		from, to := b.span(g)
		copy(dst[from:to], a.LogProb)
	}
}

// count is the totals of some groups.
func (b *trainingBatch) count(groups []int) grpo.Totals {
	var t grpo.Totals
	for _, g := range groups {
		t = t.Add(grpo.Count(b.layout, nil, g, g+1))
	}
	return t
}

// gradient is that of the loss of some groups with respect to the weights, in
// float64: each group is a leaf, computed in float32, and leaves are added in
// the fixed tree, however many goroutines compute them.
func (b *trainingBatch) gradient(groups []int, totals grpo.Totals) ([]float64, grpo.Tally, error) {
	width := len(b.learner.policy.Weights().Flat)
	tree := numerics.NewTree(width)
	tallies := make([]grpo.Tally, 0, len(groups))
	for len(groups) > 0 {
		n := min(len(groups), len(b.scratch))
		var g errgroup.Group
		for i := range n {
			g.Go(func() error { return b.leaf(&b.scratch[i], groups[i], totals) })
		}
		if err := g.Wait(); err != nil {
			return nil, grpo.Tally{}, err
		}
		for i := range n {
			tree.Push(b.scratch[i].leaf)
			tallies = append(tallies, b.scratch[i].tally[0])
		}
		groups = groups[n:]
	}
	sum := make([]float64, width)
	tree.Sum(sum)
	return sum, grpo.Combine(tallies), nil
}

// leaf computes the gradient of one group.
func (b *trainingBatch) leaf(w *workspace, g int, totals grpo.Totals) error {
	p := b.learner.policy
	p.Forward(&w.activations, b.choices[g])
	from, to := b.span(g)
	copy(b.tokens.LogProb[from:to], w.activations.LogProb)
	if err := grpo.Evaluate(b.dst, w.tally[:], b.learner.recipe.objective, b.tokens, totals, g, g+1); err != nil {
		return err
	}
	clear(w.gradient)
	p.Backward(w.gradient, &w.activations, b.choices[g], b.dst.LogProb[from:to], nil)
	for i, v := range w.gradient {
		w.leaf[i] = float64(v)
	}
	return nil
}

// metrics are those of the batch's size.
func (b *trainingBatch) metrics() []job.Metric {
	lengths := make([]float64, b.layout.Rollouts())
	least, most := b.decisions(0), b.decisions(0)
	for i := range lengths {
		lengths[i] = b.decisions(i)
		least, most = min(least, lengths[i]), max(most, lengths[i])
	}
	return []job.Metric{
		{Name: "completions/mean_length", Value: numerics.Sum(lengths) / float64(len(lengths))},
		{Name: "completions/min_length", Value: least},
		{Name: "completions/max_length", Value: most},
		{Name: "num_tokens", Value: float64(b.layout.Tokens())},
	}
}

// longest is the number of decisions of the longest rollout: the constant that
// dr_grpo divides by, since an agent has no longest completion of its own.
func (b *trainingBatch) longest() int {
	most := 0
	for i := range b.layout.Rollouts() {
		most = max(most, b.layout.RowOffsets[i+1]-b.layout.RowOffsets[i])
	}
	return most
}

// decisions is the number of decisions of rollout i.
func (b *trainingBatch) decisions(i int) float64 {
	return float64(b.layout.RowOffsets[i+1] - b.layout.RowOffsets[i])
}
