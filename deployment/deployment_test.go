package deployment_test

import (
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/records"
)

func TestProcessesThatShareABucketShareTheDeployment(t *testing.T) {
	t.Parallel()
	b := mem.New()
	first, err := deployment.Join(t.Context(), b, strings.Repeat("a1", 16))
	if err != nil {
		t.Fatal(err)
	}
	second, err := deployment.Join(t.Context(), b, strings.Repeat("b2", 16))
	if err != nil || second != first {
		t.Errorf("the second joins %+v, the first %+v, %v", second, first, err)
	}
}

func TestTwoDeploymentsShareNoName(t *testing.T) {
	t.Parallel()
	a, err := deployment.Join(t.Context(), mem.New(), strings.Repeat("a1", 16))
	if err != nil {
		t.Fatal(err)
	}
	b, err := deployment.Join(t.Context(), mem.New(), strings.Repeat("b2", 16))
	if err != nil {
		t.Fatal(err)
	}
	if a.RedisPrefix() == b.RedisPrefix() || a.TopicPrefix() == b.TopicPrefix() {
		t.Errorf("prefixes %s and %s, %s and %s", a.RedisPrefix(), b.RedisPrefix(), a.TopicPrefix(), b.TopicPrefix())
	}
	if _, err := queue.ParsePrefix(string(a.RedisPrefix())); err != nil {
		t.Error(err)
	}
}

func TestIdThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	b := mem.New()
	if err := records.Overwrite(t.Context(), b, job.DeploymentKey, deployment.Deployment{Format: deployment.Format, ID: "../x"}); err != nil {
		t.Fatal(err)
	}
	if d, err := deployment.Join(t.Context(), b, strings.Repeat("a1", 16)); err == nil {
		t.Errorf("joined %+v", d)
	}
}
