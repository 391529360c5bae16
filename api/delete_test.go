package api_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
)

// topics remembers which were deleted.
type topics struct {
	mu      sync.Mutex // guards what follows
	deleted []string
	err     error
}

func (t *topics) Delete(_ context.Context, topic string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.deleted = append(t.deleted, topic)
	return t.err
}

func TestDeletedJobIsUnknownToEveryServer(t *testing.T) {
	t.Parallel()
	var kafka topics
	r := start(t, mem.New(), func(c *api.Config) { c.Topics = &kafka })
	other := start(t, r.store, func(c *api.Config) { c.Topics = &kafka })
	gone, kept := r.submit(t, "gone").ID, r.submit(t, "kept").ID
	step(t, r.store, gone, 0)
	end(t, r.store, gone, 1, job.End{Verdict: job.Done})
	if jobs, _, err := other.client.Jobs(t.Context(), 0, ""); err != nil || len(jobs) != 2 { // it remembers both
		t.Fatalf("%+v (%v)", jobs, err)
	}
	for range 2 { // deleting again is no error
		if err := r.client.Delete(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
	}
	if want := "cohort.test." + string(gone); !slices.Contains(kafka.deleted, want) {
		t.Errorf("the topics %q were deleted, not %s", kafka.deleted, want)
	}
	for name, server := range map[string]*rig{"the one that deleted it": r, "another": other} {
		jobs, _, err := server.client.Jobs(t.Context(), 0, "")
		if err != nil || len(jobs) != 1 || jobs[0].ID != kept {
			t.Errorf("%s lists %+v (%v)", name, jobs, err)
		}
		_, err = server.client.Job(t.Context(), gone)
		if said := refusal(t, err, 404, api.CodeUnknownJob); !strings.Contains(said.Message, "deleted") && name == "another" {
			t.Errorf("%s says %+v", name, said)
		}
	}
	// Its key is free again.
	if j, created, err := r.client.Submit(t.Context(), submissionOf("gone")); err != nil || !created || j.ID == gone {
		t.Errorf("%+v, created %t (%v)", j, created, err)
	}
}

func TestHalfDeletedJobLooksLikeNone(t *testing.T) {
	t.Parallel()
	kafka := topics{err: errors.New("kafka is away")}
	r := start(t, mem.New(), func(c *api.Config) { c.Topics = &kafka })
	id := r.submit(t, "gone").ID
	step(t, r.store, id, 0)
	end(t, r.store, id, 1, job.End{Verdict: job.Done})
	_ = refusal(t, r.client.Delete(t.Context(), id), 503, api.CodeKafka)
	_, err := r.client.Job(t.Context(), id)
	_ = refusal(t, err, 404, api.CodeUnknownJob)
	kafka.err = nil
	if err := r.client.Delete(t.Context(), id); err != nil {
		t.Errorf("the next deletion: %v", err)
	}
}

func TestRunningJobIsNotDeleted(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	id := r.submit(t, "mine").ID
	step(t, r.store, id, 0)
	said := refusal(t, r.client.Delete(t.Context(), id), 409, api.CodeRunning)
	if !strings.Contains(said.Remedy, "cohort cancel "+string(id)) {
		t.Errorf("%+v", said)
	}
	_ = refusal(t, r.client.Delete(t.Context(), "no-such-job"), 404, api.CodeUnknownJob)
	as := documented(t, "Deleted", "Failure")
	_, body := r.call(t, "DELETE", "/v1/jobs/"+string(id), "")
	as.check(t, "Failure", body)
	end(t, r.store, id, 1, job.End{Verdict: job.Done})
	status, body := r.call(t, "DELETE", "/v1/jobs/"+string(id), "")
	if status != 200 {
		t.Errorf("%d %s", status, body)
	}
	as.check(t, "Deleted", body)
}
