package countdown_test

import (
	"testing"

	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/policy"
)

func TestFastJobHasTheReferencesRolloutsAndFeatures(t *testing.T) {
	t.Parallel()
	s, err := spec.Decode("job-fast.yaml", countdown.JobFast())
	if err != nil {
		t.Fatal(err)
	}
	if s.Tasks.Groups != 32 || s.Tasks.Rollouts != 8 || s.GRPO.DynamicSampling.Rounds != 1 || s.Policy.Features != countdown.Width || s.Steps != 50 {
		t.Errorf("%d steps of %d groups of %d in %d rounds, policy %+v", s.Steps, s.Tasks.Groups, s.Tasks.Rollouts, s.GRPO.DynamicSampling.Rounds, s.Policy)
	}
}

func TestJobSpecsTrainOnTheReferencesTerms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body   []byte
		policy spec.Policy
		rate   float64
	}{
		"job.yaml":     {countdown.Job(), spec.Policy{Kind: policy.Linear, Features: countdown.Width}, 1},
		"job-mlp.yaml": {countdown.JobMLP(), spec.Policy{Kind: policy.MLP, Features: countdown.Width, Hidden: 128}, 0.01},
	} {
		s, err := spec.Decode(name, test.body)
		if err != nil {
			t.Fatal(err)
		}
		if s.Policy != test.policy || s.Optimizer.LearningRate != test.rate || s.Optimizer.MaxGradNorm != 0 {
			t.Errorf("%s: policy %+v, optimizer %+v", name, s.Policy, s.Optimizer)
		}
		if s.Tasks.Groups != 32 || s.Tasks.Rollouts != 8 || s.Steps != 20 || s.GRPO.Epochs != 1 || s.GRPO.Minibatches != 1 {
			t.Errorf("%s: %d steps of %d groups of %d, grpo %+v", name, s.Steps, s.Tasks.Groups, s.Tasks.Rollouts, s.GRPO)
		}
		if files := spec.Files(s); len(files) != 2 || files[0].Path != "train.jsonl" || files[1].Path != "heldout.jsonl" {
			t.Errorf("%s: files %+v", name, files)
		}
	}
}
