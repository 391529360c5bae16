package job_test

import (
	"testing"

	"github.com/cohort-rl/cohort/job"
)

func TestPhaseOfAMinibatchHasTheKindOfUpdates(t *testing.T) {
	t.Parallel()
	p := job.Gradient(3, 14)
	if p != "update.3.14" || p.Kind() != job.Updating || job.Rollout.Kind() != job.Rollout {
		t.Errorf("phase %q of kind %q, %q of kind %q", p, p.Kind(), job.Rollout, job.Rollout.Kind())
	}
	s := job.Shard{Unit: job.Unit{Job: "j", Step: 2}, Phase: p, Index: 7}
	const padded = "00000000000000000002.00000000000000000000.00000000000000000000/update.00000000000000000003.00000000000000000014-00000000000000000007.json"
	if s.SettledKey() != "jobs/j/g00000000000000000000/settled/"+padded || s.TermsKey() != "jobs/j/g00000000000000000000/updates/"+padded {
		t.Errorf("keys %s and %s", s.SettledKey(), s.TermsKey())
	}
	if s.TaskID(1) != "j/g0/2.0.0/update.3.14-7/d1" || s.Group() != "j/g0/2.0.0/update.3.14" {
		t.Errorf("task %s of group %s", s.TaskID(1), s.Group())
	}
}
