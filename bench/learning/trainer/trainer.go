// Package trainer trains the countdown example in this process, without
// services, and ends at the weights at which a job ends: the same plans, seeds,
// decisions, fates and steps, one after the other. What it leaves out is what a
// job's result does not depend on: agents, traces, storage.
package trainer

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/policy"
)

// AsReference is put behind one of the example's specs, to compute what gave
// the reference curves in examples/countdown/testdata: a mean over all decisions
// of the batch, those of groups with equal rewards included.
const AsReference = `
grpo:
  algorithm: bnpo
  zero_variance: keep
`

// Data are the tasks of a job.
type Data struct {
	Train, HeldOut []countdown.Task
}

// Example is the data of the example's job.
func Example() (Data, error) {
	train, err := countdown.ReadTasks(countdown.Train())
	if err != nil {
		return Data{}, err
	}
	heldOut, err := countdown.ReadTasks(countdown.HeldOut())
	return Data{Train: train, HeldOut: heldOut}, err
}

// Trainer is a job between two steps. It is not safe for concurrent use.
type Trainer struct {
	definition job.Definition
	data       Data
	learner    *learner.Learner
	step       int
	past       []held // the policies of the newest steps, as many more than one as the staleness
	act        policy.Activations
}

// New is a trainer at step 0. The spec's own files are not read.
func New(s *spec.Spec, data Data) (*Trainer, error) {
	if s.Policy.Features != countdown.Width {
		return nil, fmt.Errorf("policy.features is %d: countdown has %d", s.Policy.Features, countdown.Width)
	}
	l, err := learner.New(s)
	if err != nil {
		return nil, err
	}
	return &Trainer{
		definition: job.Definition{
			ID: "in-process", Spec: s,
			Tasks: job.DataSet{Lines: len(data.Train)}, Eval: job.DataSet{Lines: len(data.HeldOut)},
		},
		data: data, learner: l,
	}, nil
}

// held is the policy of a step.
type held struct {
	policy  policy.Policy
	weights blob.Digest
}

// under is the policy that the next step is played under.
func (t *Trainer) under() (held, error) {
	l, err := t.learner.Clone() // whose weights nobody changes
	if err != nil {
		return held{}, err
	}
	p, err := checkpoint.Policy(l.State().Weights)
	if err != nil {
		return held{}, err
	}
	t.past = append(t.past, held{p, l.WeightsDigest()})
	t.past = t.past[max(0, len(t.past)-1-t.definition.Spec.GRPO.Staleness):]
	return t.past[0], nil
}

// WeightsDigest is the digest of the weights, as a job's log names it.
func (t *Trainer) WeightsDigest() blob.Digest { return t.learner.WeightsDigest() }

// Report is how a step went.
type Report struct {
	Totals  job.Totals // rollouts by fate, those of all rounds
	Solved  int        // rollouts with reward 1, used or not
	Samples []batch.Sample
	Metrics []job.Metric
}

// Step plays the rollouts of the next step, in one round or several as the
// spec says, and learns from those that are used.
func (t *Trainer) Step(ctx context.Context) (Report, error) {
	t.step++
	under, err := t.under()
	if err != nil {
		return Report{}, err
	}
	var played []batch.Sample
	var rounds []job.Round
	var rows []job.Row
	s := t.definition.Spec
	for again := true; again; {
		unit := job.Unit{Job: t.definition.ID, Step: t.step, Round: len(rounds)}
		plan := t.definition.PlanRound(unit, job.PolicyRef{Weights: under.weights}, len(rounds)*s.Tasks.Groups)
		samples, err := t.play(ctx, under.policy, plan, t.data.Train)
		if err != nil {
			return Report{}, fmt.Errorf("step %d: %w", t.step, err)
		}
		played = append(played, samples...)
		rounds = append(rounds, job.Round{Plan: plan, Collects: []*job.CollectRecord{{Outcomes: outcomes(samples)}}})
		rows = job.Settle(rounds, s)
		sampling := s.GRPO.DynamicSampling
		again = len(rounds) < sampling.Rounds && groups(rows) < sampling.MinGroups
	}
	r := Report{Totals: job.Count(rows)}
	for i := range rows {
		if *rows[i].Reward > 0 {
			r.Solved++
		}
		if rows[i].Reason == "" {
			r.Samples = append(r.Samples, played[i])
		}
	}
	r.Metrics, err = t.learner.Step(t.step, r.Samples)
	return r, err
}

// Evaluate is the share of held-out tasks that the policy solves greedily.
func (t *Trainer) Evaluate(ctx context.Context) (float64, error) {
	p, err := checkpoint.Policy(t.learner.State().Weights)
	if err != nil {
		return 0, err
	}
	unit := job.Unit{Job: t.definition.ID, Step: t.step, Eval: t.WeightsDigest()}
	plan := t.definition.PlanEvaluation(unit, job.PolicyRef{Weights: t.WeightsDigest()})
	samples, err := t.play(ctx, p, plan, t.data.HeldOut)
	if err != nil {
		return 0, fmt.Errorf("evaluate step %d: %w", t.step, err)
	}
	sum := 0.0
	for i := range samples {
		sum += samples[i].Reward
	}
	return sum / float64(len(samples)), nil
}

// outcomes are those of rollouts that all left a whole trace.
func outcomes(samples []batch.Sample) []job.Outcome {
	all := make([]job.Outcome, len(samples))
	for i := range samples {
		s := &samples[i]
		all[i] = job.Outcome{Group: s.Group, Rollout: s.Rollout, Decisions: s.Choices.Len(), Reward: &s.Reward}
	}
	return all
}

// groups is the number of groups that have a used rollout.
func groups(rows []job.Row) int {
	n, last := 0, -1
	for i := range rows {
		if rows[i].Reason == "" && rows[i].Group != last {
			n, last = n+1, rows[i].Group
		}
	}
	return n
}
