package deletion_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/deletion"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/submission"
)

// topics remembers what was deleted; a topic may be deleted any number of times.
type topics struct {
	err     error
	deleted []string
}

func (t *topics) Delete(_ context.Context, topic string) error {
	if t.err == nil && !slices.Contains(t.deleted, topic) {
		t.deleted = append(t.deleted, topic)
	}
	return t.err
}

func del(tb testing.TB, b blob.Bucket, in *topics, id job.ID) error {
	tb.Helper()
	return deletion.Delete(tb.Context(), b, in, deletion.Request{Job: id, TopicPrefix: "cohort.x.", At: time.Unix(1_800_000_000, 0)})
}

// others are the keys that are not of job gone.
func others(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(key string) bool { return strings.Contains(key, "gone-1") })
}

func TestDeletedJobLeavesItsMarkAlone(t *testing.T) {
	t.Parallel()
	b := mem.New()
	ended(t, b, "stays-1", "kept")
	before := keys(t, b)
	ended(t, b, "gone-1", "mine")
	var kafka topics
	for range 2 { // deleting again is no error
		if err := del(t, b, &kafka, "gone-1"); err != nil {
			t.Fatal(err)
		}
		want := append(slices.Clone(before), job.ID("gone-1").DeletedKey())
		slices.Sort(want)
		if got := keys(t, b); !slices.Equal(got, want) {
			t.Errorf("the store holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if !slices.Equal(kafka.deleted, []string{"cohort.x.gone-1"}) {
		t.Errorf("topics %q were deleted", kafka.deleted)
	}
	if gone, err := deletion.Deleted(t.Context(), b, "gone-1"); !gone || err != nil {
		t.Errorf("deleted: %t, %v", gone, err)
	}
	if gone, err := deletion.Deleted(t.Context(), b, "stays-1"); gone || err != nil {
		t.Errorf("the other job deleted: %t, %v", gone, err)
	}
}

// A deletion may die before or after each request to the store. Whatever it
// left, the job is known as deleted or as ended, nothing of it looks like a job
// that has yet to be done, and the next deletion completes it.
func TestCutDeletionIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	died := errors.New("the process died")
	calls := 1 << 20
	for cut := 0; cut < calls; cut++ {
		for _, fault := range []blobtest.Fault{{Before: died}, {After: died}} {
			b := mem.New()
			ended(t, b, "stays-1", "kept")
			want := append(keys(t, b), job.ID("gone-1").DeletedKey())
			slices.Sort(want)
			ended(t, b, "gone-1", "mine")
			var n atomic.Int64
			err := del(t, blobtest.NewFaulty(b, func(string, string) blobtest.Fault {
				switch at := int(n.Add(1)) - 1; {
				case at == cut:
					return fault
				case at > cut:
					return blobtest.Fault{Before: died}
				}
				return blobtest.Fault{}
			}), &topics{}, "gone-1")
			if err == nil {
				calls = min(calls, int(n.Load())) // there was no call to cut
			}
			if err != nil && !errors.Is(err, died) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			check(t, b, fmt.Sprintf("cut at %d (%+v)", cut, fault))
			var kafka topics
			if err := del(t, b, &kafka, "gone-1"); err != nil {
				t.Fatalf("cut at %d (%+v): repeated: %v", cut, fault, err)
			}
			if got := keys(t, b); !slices.Equal(got, want) || !slices.Equal(kafka.deleted, []string{"cohort.x.gone-1"}) {
				t.Fatalf("cut at %d (%+v): topics %q deleted, the store holds\n%s", cut, fault, kafka.deleted, strings.Join(got, "\n"))
			}
		}
	}
	if calls < 20 {
		t.Errorf("only %d calls were cut", calls)
	}
}

// check looks at what a deletion that was cut left of job gone-1.
func check(t *testing.T, b blob.Bucket, what string) {
	t.Helper()
	const id = job.ID("gone-1")
	marked, err := deletion.Deleted(t.Context(), b, id)
	if err != nil {
		t.Fatal(err)
	}
	head, err := submission.Look(t.Context(), b, id)
	whole := err == nil && head != nil && head.End != nil
	if !marked && !whole {
		t.Errorf("%s: there is no mark, and the job does not look as it ended: %+v, %v", what, head, err)
	}
	if _, err := b.Head(t.Context(), id.ActiveKey()); err == nil {
		t.Errorf("%s: the job is active", what)
	}
	// A key whose submission is left finds its job whole, else the key is free:
	// it never completes the submission of a job that is half gone.
	_, kept := b.Head(t.Context(), job.SubmissionKey("mine"))
	if _, err := b.Head(t.Context(), id.SpecKey()); err != nil && kept == nil {
		t.Errorf("%s: the definition is gone before the submission", what)
	}
	// Other jobs' checkpoints are found whatever is left of this one.
	if _, err := checkpoint.Find(t.Context(), b, manifestOf(t, b, "stays-1"), ""); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func TestTopicThatTheSpecNamesIsKept(t *testing.T) {
	t.Parallel()
	b := mem.New()
	ended(t, b, "gone-1", "mine", func(s *spec.Spec) { s.Traces.Topic = "shared" })
	var kafka topics
	if err := del(t, b, &kafka, "gone-1"); err != nil || len(kafka.deleted) != 0 {
		t.Errorf("topics %q deleted, %v", kafka.deleted, err)
	}
}

func TestTopicThatCouldNotBeDeletedIsDeletedByTheNext(t *testing.T) {
	t.Parallel()
	b := mem.New()
	ended(t, b, "gone-1", "mine")
	down := topics{err: errors.New("kafka is down")}
	if err := del(t, b, &down, "gone-1"); !errors.Is(err, down.err) {
		t.Fatalf("got %v", err)
	}
	if left := keys(t, b); len(left) != 1 {
		t.Errorf("the store holds %q", left)
	}
	down.err = nil
	if err := del(t, b, &down, "gone-1"); err != nil || !slices.Equal(down.deleted, []string{"cohort.x.gone-1"}) {
		t.Errorf("topics %q deleted, %v", down.deleted, err)
	}
}

func TestKeyOfADeletedJobIsFree(t *testing.T) {
	t.Parallel()
	b := mem.New()
	ended(t, b, "gone-1", "mine")
	if err := del(t, b, &topics{}, "gone-1"); err != nil {
		t.Fatal(err)
	}
	def, created, err := submission.Submit(t.Context(), b, request(t, "next-1", "mine"))
	if err != nil || !created || def.ID != "next-1" {
		t.Errorf("job %s, created %t, %v", def.ID, created, err)
	}
}

func TestJobThatHasNotEndedIsRefused(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(blob.Bucket){
		"submitted": func(b blob.Bucket) { submit(t, b, "gone-1", "mine") },
		"running":   func(b blob.Bucket) { submit(t, b, "gone-1", "mine"); train(t, b, "gone-1") },
		"ending":    func(b blob.Bucket) { submit(t, b, "gone-1", "mine"); train(t, b, "gone-1"); finish(t, b, "gone-1") },
	} {
		b := mem.New()
		prepare(b)
		before := keys(t, b)
		err := del(t, b, &topics{}, "gone-1")
		running, ok := errors.AsType[*deletion.RunningError](err)
		if !ok || running.Ending != (name == "ending") {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Equal(before, keys(t, b)) {
			t.Errorf("%s: the refused deletion changed the store", name)
		}
	}
}

func TestUnknownJobIsNotDeleted(t *testing.T) {
	t.Parallel()
	b := mem.New()
	if err := del(t, b, &topics{}, "gone-1"); !errors.Is(err, submission.ErrUnknownJob) || len(keys(t, b)) != 0 {
		t.Errorf("%v, and the store holds %q", err, keys(t, b))
	}
}

// A job that starts from a checkpoint copies it when it begins.
func TestJobIsKeptWhileAnotherHasStillToCopyItsCheckpoint(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(id string) *spec.Start{
		"by id and job": func(id string) *spec.Start { return &spec.Start{Checkpoint: id, Job: "gone-1", Mode: "continue"} },
		"by id alone":   func(id string) *spec.Start { return &spec.Start{Checkpoint: id, Mode: "continue"} },
		"by digits":     func(id string) *spec.Start { return &spec.Start{Checkpoint: id[:12], Mode: "warm"} },
	} {
		b := mem.New()
		ended(t, b, "gone-1", "mine")
		digits := manifestOf(t, b, "gone-1")
		submit(t, b, "heir-1", "heir", func(s *spec.Spec) { s.Start = start(digits) })
		err := del(t, b, &topics{}, "gone-1")
		needed, ok := errors.AsType[*deletion.NeededError](err)
		if !ok || needed.By != "heir-1" {
			t.Errorf("%s: %v", name, err)
		}
		train(t, b, "heir-1") // it begins
		if err := del(t, b, &topics{}, "gone-1"); err != nil {
			t.Errorf("%s: after the other has begun: %v", name, err)
		}
		if _, _, err := load(t, b, "heir-1"); err != nil {
			t.Errorf("%s: the other's copy: %v", name, err)
		}
	}
}

func TestJobThatStartsElsewhereNeedsNothing(t *testing.T) {
	t.Parallel()
	b := mem.New()
	ended(t, b, "gone-1", "mine")
	submit(t, b, "other-1", "a", func(s *spec.Spec) {
		s.Start = &spec.Start{Checkpoint: strings.Repeat("ab", 32), Mode: "continue"}
	})
	submit(t, b, "other-2", "b", func(s *spec.Spec) {
		s.Start = &spec.Start{Checkpoint: manifestOf(t, b, "gone-1"), Job: "elsewhere-1", Mode: "continue"}
	})
	if err := del(t, b, &topics{}, "gone-1"); err != nil {
		t.Error(err)
	}
	if left := others(keys(t, b)); len(left) != 8 {
		t.Errorf("of the others there is left\n%s", strings.Join(left, "\n"))
	}
}
