package submission_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/submission"
)

func TestSubmittedJobIsWholeInTheStore(t *testing.T) {
	t.Parallel()
	b := mem.New()
	def, created := submit(t, b, request(t, "sums-1"))
	if !created || def.ID != "sums-1" || def.Tasks.Lines != 2 || def.Eval.Lines != 1 {
		t.Errorf("created %t: %+v", created, def)
	}
	training, err := def.Spec.TrainingDigest(def.Tasks.Blob.Digest)
	if err != nil || def.Training != training {
		t.Errorf("training digest %s, expected %s (%v)", def.Training, training, err)
	}
	kept, _, err := records.Read[job.Definition](t.Context(), b, def.ID.SpecKey(), job.DefinitionFormat)
	if err != nil || kept.Training != def.Training || !kept.At.Equal(def.At) || spec.FirstDifference(kept.Spec, def.Spec) != "" {
		t.Errorf("the store holds %+v (%v)", kept, err)
	}
	for role, set := range map[string]job.DataSet{spec.RoleTasks: def.Tasks, spec.RoleEval: def.Eval} {
		body, err := blob.GetContent(t.Context(), b, def.ID.DataKey(set.Blob.Digest), set.Blob.Digest)
		if want := request(t, "x").Files[role]; err != nil || string(body) != string(want) {
			t.Errorf("%s: the store holds %q (%v)", role, body, err)
		}
	}
	want := []string{
		def.ID.ActiveKey(), def.ID.SpecKey(), job.SubmissionKey("mine"),
		def.ID.DataKey(def.Tasks.Blob.Digest), def.ID.DataKey(def.Eval.Blob.Digest),
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(contents(t, b))); !slices.Equal(got, want) {
		t.Errorf("the store holds\n%s\nexpected\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A submission may die before or after each of its puts, told or not.
func TestCutSubmissionIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	died := errors.New("the process died")
	whole := mem.New()
	puts := 0
	submit(t, blobtest.NewFaulty(whole, func(op, _ string) blobtest.Fault {
		if op == "put" {
			puts++
		}
		return blobtest.Fault{}
	}), request(t, "first"))
	if puts != 5 {
		t.Fatalf("%d puts, expected the submission, two data sets, the active job and its definition", puts)
	}
	for cut := range puts {
		for _, fault := range []blobtest.Fault{{Before: died}, {After: died}} {
			b := mem.New()
			n := 0
			_, _, err := submission.Submit(t.Context(), blobtest.NewFaulty(b, func(op, _ string) blobtest.Fault {
				if n > cut {
					return blobtest.Fault{Before: died}
				}
				if op == "put" {
					n++
				}
				if n > cut {
					return fault
				}
				return blobtest.Fault{}
			}), request(t, "first"))
			if !errors.Is(err, died) {
				t.Fatalf("cut at put %d: %v", cut, err)
			}
			retried := request(t, "second")
			if cut == 0 && fault.Before != nil {
				retried.ID = "first" // nothing was stored, so the retry is the first
			}
			def, created := submit(t, b, retried)
			if def.ID != "first" || created != (cut < puts-1 || fault.Before != nil) {
				t.Errorf("cut at put %d (%+v): job %s, created %t", cut, fault, def.ID, created)
			}
			if !maps.Equal(contents(t, b), contents(t, whole)) {
				t.Errorf("cut at put %d (%+v): the store differs from that of an undisturbed submission", cut, fault)
			}
		}
	}
}

// A lost answer is no failure where the store then says what it holds.
func TestLostAnswersAreReadBack(t *testing.T) {
	t.Parallel()
	b := mem.New()
	lost := map[string]bool{}
	faulty := blobtest.NewFaulty(b, func(op, key string) blobtest.Fault {
		if op != "put" || lost[key] || strings.Contains(key, "/data/") {
			return blobtest.Fault{}
		}
		lost[key] = true
		return blobtest.Fault{After: blob.ErrAmbiguous}
	})
	if def, created := submit(t, faulty, request(t, "sums-1")); def.ID != "sums-1" || !created || len(lost) != 3 {
		t.Errorf("job %s, created %t, %d answers lost", def.ID, created, len(lost))
	}
}

func TestSameKeyFromManyIsOneJob(t *testing.T) {
	t.Parallel()
	b := mem.New()
	ids := make([]job.ID, 8)
	var all sync.WaitGroup
	for i := range ids {
		r := request(t, job.ID("sums-"+string(rune('a'+i))))
		all.Go(func() {
			def, _, err := submission.Submit(t.Context(), b, r)
			if err != nil {
				t.Error(err)
			}
			ids[i] = def.ID
		})
	}
	all.Wait()
	if slices.Sort(ids); len(slices.Compact(ids)) != 1 {
		t.Errorf("the jobs are %s", ids)
	}
}

func TestOtherContentUnderAKeyNamesTheFirstDifference(t *testing.T) {
	t.Parallel()
	b := mem.New()
	submit(t, b, request(t, "sums-1"))
	before := contents(t, b)
	for want, change := range map[string]func(*submission.Request){
		"steps":                     func(r *submission.Request) { r.Spec.Steps, r.Spec.Optimizer.LearningRate = 4, 1 },
		"optimizer.learning_rate":   func(r *submission.Request) { r.Spec.Optimizer.LearningRate = 1 },
		"eval.timeout":              func(r *submission.Request) { r.Spec.Eval.Timeout++ },
		"the content of tasks.data": func(r *submission.Request) { r.Files[spec.RoleTasks] = []byte(`{"n":9}`) },
		"the content of eval.data":  func(r *submission.Request) { r.Files[spec.RoleEval] = []byte(`{"n":9}`) },
	} {
		r := request(t, "sums-2")
		change(&r)
		_, _, err := submission.Submit(t.Context(), b, r)
		var conflict *submission.ConflictError
		if !errors.As(err, &conflict) || conflict.Field != want || conflict.Job != "sums-1" {
			t.Errorf("%s: %v", want, err)
		}
	}
	if !maps.Equal(before, contents(t, b)) {
		t.Error("a refused submission changed the store")
	}
}

// A job that has ended is no more among the active ones; asking for it again
// must not bring it back.
func TestRetryAfterTheEndDoesNotReviveTheJob(t *testing.T) {
	t.Parallel()
	b := mem.New()
	def, _ := submit(t, b, request(t, "sums-1"))
	if err := b.Delete(t.Context(), def.ID.ActiveKey()); err != nil {
		t.Fatal(err)
	}
	again, created := submit(t, b, request(t, "sums-2"))
	if again.ID != "sums-1" || created {
		t.Errorf("job %s, created %t", again.ID, created)
	}
	if _, err := b.Head(t.Context(), def.ID.ActiveKey()); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("the job is active again (%v)", err)
	}
}

func TestWithoutAKeyEachIDIsAJob(t *testing.T) {
	t.Parallel()
	b := mem.New()
	for _, id := range []job.ID{"sums-1", "sums-2"} {
		r := request(t, id)
		r.Key = ""
		if def, created := submit(t, b, r); def.ID != id || !created {
			t.Errorf("job %s, created %t, expected %s", def.ID, created, id)
		}
	}
}

func TestIDOfAnotherSubmissionIsRefused(t *testing.T) {
	t.Parallel()
	b := mem.New()
	submit(t, b, request(t, "sums-1"))
	r := request(t, "sums-1")
	r.Key, r.Spec.Steps = "other", 9
	if _, _, err := submission.Submit(t.Context(), b, r); !errors.Is(err, submission.ErrTaken) {
		t.Errorf("%v", err)
	}
}

func TestCorruptSubmissionIsNotOverwritten(t *testing.T) {
	t.Parallel()
	b := mem.New()
	submit(t, b, request(t, "sums-1"))
	key := job.SubmissionKey("mine")
	object, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	object.Body[40] ^= 1
	if _, err := b.Put(t.Context(), key, object.Body, blob.Always()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := submission.Submit(t.Context(), b, request(t, "sums-2")); !errors.Is(err, blob.ErrCorrupt) {
		t.Errorf("%v", err)
	}
}
