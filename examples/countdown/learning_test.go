package countdown_test

import (
	"context"
	"testing"

	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/optimize"
	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/policy"
)

// The parts that learn, without the system around them, give the reference's
// curves: rules, features, policy, advantages, loss and optimizer fit together.
func TestLearningFollowsTheReferenceCurves(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("learning takes seconds")
	}
	const tolerance = 0.03 // Three seeds of the reference differ by up to 0.03 from each other.
	for name, test := range map[string]struct {
		shape policy.Shape
		rate  float64
	}{
		"linear": {policy.Shape{Kind: policy.Linear, Features: countdown.Width}, 1},
		"mlp":    {policy.Shape{Kind: policy.MLP, Features: countdown.Width, Hidden: 128}, 0.01},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLearner(t, test.shape, test.rate)
			for step := 0; ; step++ {
				if step == 0 || step == 20 || step == 50 {
					got, want := l.evaluate(), greedyOfReference(t, name, test.rate, step)
					t.Logf("%d steps: %.3f of the held-out tasks, reference %.3f", step, got, want)
					if got < want-tolerance || got > want+tolerance {
						t.Errorf("%d steps: %.3f of the held-out tasks, reference %.3f", step, got, want)
					}
				}
				if step == 50 {
					break
				}
				l.step(step + 1)
			}
		})
	}
}

// greedyOfReference is the mean over the reference's seeds.
func greedyOfReference(t *testing.T, kind string, rate float64, step int) float64 {
	t.Helper()
	var sum, n float64
	for _, run := range readReference(t).Runs {
		for _, point := range run.Curve {
			if run.Policy == kind && run.Features == "base" && run.Rate == rate && int(point[0]) == step {
				sum += point[1]
				n++
			}
		}
	}
	if n == 0 {
		t.Fatalf("the reference has no %s with rate %v after %d steps", kind, rate, step)
	}
	return sum / n
}

// learner trains on groups of 8 rollouts of 32 tasks, in this process.
type learner struct {
	t         *testing.T
	policy    policy.Policy
	optimizer optimize.Optimizer
	rate      float64
	estimator grpo.Estimator
	objective grpo.Objective
	train     []countdown.Task
	heldOut   []countdown.Task
}

func newLearner(t *testing.T, shape policy.Shape, rate float64) *learner {
	t.Helper()
	l := &learner{t: t, rate: rate, heldOut: heldOut(t)}
	var err error
	if l.policy, err = policy.New(shape, 1); err != nil {
		t.Fatal(err)
	}
	config, err := optimize.Defaults("adam")
	if err != nil {
		t.Fatal(err)
	}
	if l.optimizer, err = optimize.New(config, len(l.policy.Weights().Flat)); err != nil {
		t.Fatal(err)
	}
	if l.estimator, err = grpo.NamedEstimator("grpo"); err != nil {
		t.Fatal(err)
	}
	if l.objective, err = grpo.Algorithm("grpo"); err != nil {
		t.Fatal(err)
	}
	l.objective.Aggregation.Kind = grpo.TokenMean // as the reference
	if l.train, err = countdown.ReadTasks(countdown.Train()); err != nil {
		t.Fatal(err)
	}
	return l
}

// episode plays one task and adds its decisions to choices.
func (l *learner) episode(task countdown.Task, seed uint64, greedy bool, choices *policy.Choices) (reward float64) {
	l.t.Helper()
	solved, err := countdown.Play(l.t.Context(), task, func(_ context.Context, number uint32, features []float32) (int, error) {
		choice, err := policy.Decide(l.policy, features, seed, number, greedy)
		choices.Features = append(choices.Features, features...)
		choices.Offsets = append(choices.Offsets, len(choices.Features)/choices.Width)
		choices.Chosen = append(choices.Chosen, int32(choice.Chosen))
		return choice.Chosen, err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	if solved {
		return 1
	}
	return 0
}

// evaluate returns the share of held-out tasks that are solved greedily.
func (l *learner) evaluate() float64 {
	l.t.Helper()
	solved := 0.0
	for _, task := range l.heldOut {
		solved += l.episode(task, 0, true, &policy.Choices{Width: countdown.Width, Offsets: []int{0}})
	}
	return solved / float64(len(l.heldOut))
}

// step plays a batch and updates the weights once.
func (l *learner) step(step int) {
	l.t.Helper()
	const groups, rollouts = 32, 8
	layout := grpo.Layout{RowOffsets: []int{0}, GroupOffsets: []int{0}}
	choices := policy.Choices{Width: countdown.Width, Offsets: []int{0}}
	var rewards grpo.Rewards
	tasks := numerics.NewStream(1, uint64(step))
	for group := range groups {
		task := l.train[tasks.IntN(len(l.train))]
		for rollout := range rollouts {
			seed := numerics.NewStream(1, uint64(step), uint64(group), uint64(rollout)).Uint64()
			rewards.Values = append(rewards.Values, l.episode(task, seed, false, &choices))
			layout.RowOffsets = append(layout.RowOffsets, len(choices.Chosen))
		}
		layout.GroupOffsets = append(layout.GroupOffsets, layout.Rows())
	}
	var act policy.Activations
	l.policy.Forward(&act, choices)
	batch := grpo.Batch[float32]{Layout: layout, LogProb: act.LogProb, Old: act.LogProb, Advantages: make([]float32, layout.Rollouts())}
	lengths := make([]int, layout.Rollouts())
	grpo.LengthsTo(lengths, layout, nil)
	spread := make([]float64, groups)
	if err := grpo.AdvantagesTo(batch.Advantages, spread, l.estimator, rewards, layout, lengths, new(grpo.Scratch)); err != nil {
		l.t.Fatal(err)
	}
	if err := batch.Validate(l.objective); err != nil {
		l.t.Fatal(err)
	}
	gradient := grpo.Gradient[float32]{LogProb: make([]float32, layout.Tokens())}
	counts := grpo.Count(layout, nil, 0, groups)
	totals := l.objective.Aggregation.Totals(counts, counts, 1)
	if err := grpo.Evaluate(gradient, make([]grpo.Tally, groups), l.objective, batch, totals, 0, groups); err != nil {
		l.t.Fatal(err)
	}
	weights := make([]float32, len(l.policy.Weights().Flat))
	l.policy.Backward(weights, &act, choices, gradient.LogProb, nil)
	wide := make([]float64, len(weights))
	for i, v := range weights {
		wide[i] = float64(v)
	}
	l.optimizer.Step(l.policy.Weights().Flat, wide, l.rate)
}
