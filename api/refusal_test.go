package api_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
)

func TestJobTellsWhichWorkersRefuseIt(t *testing.T) {
	t.Parallel()
	as := documented(t, "Job", "Page")
	want := []queue.Refusal{{Worker: "old", Reason: "it computes otherwise"}}
	r := start(t, mem.New(), func(c *api.Config) {
		c.Refusals = func(_ context.Context, id job.ID) ([]queue.Refusal, error) {
			if id == "sums-1" {
				return want, nil
			}
			return nil, nil
		}
	})
	refused, other := r.submit(t, "a"), r.submit(t, "b")
	j, err := r.client.Job(t.Context(), refused.ID)
	if err != nil || !slices.Equal(j.RefusedBy, want) {
		t.Errorf("the job is %+v, %v", j, err)
	}
	jobs, _, err := r.client.Jobs(t.Context(), 0, "")
	if err != nil || len(jobs) != 2 {
		t.Fatalf("jobs are %+v, %v", jobs, err)
	}
	for _, j := range jobs {
		if (j.ID == refused.ID) != slices.Equal(j.RefusedBy, want) || j.ID == other.ID && j.RefusedBy != nil {
			t.Errorf("in the list: %+v", j)
		}
	}
	_, body := r.call(t, "GET", "/v1/jobs/sums-1", "")
	as.check(t, "Job", body)
	_, body = r.call(t, "GET", "/v1/jobs", "")
	as.check(t, "Page", body)
}

func TestJobsAreToldAlthoughRedisIsAway(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New(), func(c *api.Config) {
		c.Refusals = func(context.Context, job.ID) ([]queue.Refusal, error) { return nil, errors.New("connection refused") }
	})
	r.submit(t, "a")
	if jobs, _, err := r.client.Jobs(t.Context(), 0, ""); err != nil || len(jobs) != 1 {
		t.Errorf("jobs are %+v, %v", jobs, err)
	}
}
