package api_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/fs"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/records"
)

func TestSubmittedJobIsStoredAndTheCoordinatorWoken(t *testing.T) {
	t.Parallel()
	store, err := fs.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, store)
	j, created, err := r.client.Submit(t.Context(), submissionOf("mine"))
	if err != nil || !created || j.ID != "sums-1" || j.Name != "sums" || j.State != api.StatePending || j.Steps != 3 || j.Submitted.IsZero() {
		t.Errorf("created %t: %+v (%v)", created, j, err)
	}
	if r.wakes.Load() != 1 {
		t.Errorf("the coordinator was woken %d times", r.wakes.Load())
	}
	def, _, err := records.Read[job.Definition](t.Context(), store, j.ID.SpecKey(), job.DefinitionFormat)
	if err != nil {
		t.Fatal(err)
	}
	body, err := blob.GetContent(t.Context(), store, j.ID.DataKey(def.Tasks.Blob.Digest), def.Tasks.Blob.Digest)
	if err != nil || !bytes.Equal(body, submissionOf("").Data[spec.RoleTasks]) {
		t.Errorf("the store holds %q (%v)", body, err)
	}
}

func TestKeyMakesSubmittingTwiceSubmittingOnce(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	first := r.submit(t, "mine")
	again, created, err := r.client.Submit(t.Context(), submissionOf("mine"))
	if err != nil || created || again.ID != first.ID {
		t.Errorf("created %t: job %s, first %s (%v)", created, again.ID, first.ID, err)
	}
	if other := r.submit(t, ""); other.ID == first.ID || other.ID == r.submit(t, "").ID {
		t.Error("without a key two jobs are one")
	}
	changed := submissionOf("mine")
	changed.Spec = []byte(strings.Replace(sums, "steps: 3", "steps: 4", 1))
	_, _, err = r.client.Submit(t.Context(), changed)
	said := refusal(t, err, 409, api.CodeKeyConflict)
	if !strings.Contains(said.Message, "steps differs") || !strings.Contains(said.Message, string(first.ID)) || !strings.Contains(said.Remedy, "--key") {
		t.Errorf("%+v", said)
	}
}

// refusal is the error as the server's answer with that status and code.
func refusal(tb testing.TB, err error, status int, code api.Code) *api.Error {
	tb.Helper()
	var said *api.Error
	if !errors.As(err, &said) {
		tb.Fatalf("%v is no answer", err)
	}
	if said.Status != status || said.Code != code {
		tb.Errorf("status %d, code %s, expected %d and %s: %v", said.Status, said.Code, status, code, err)
	}
	return said
}

func TestEverythingWrongWithASpecIsListed(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	s := submissionOf("mine")
	s.File, s.Spec = "jobs/süm.yaml", []byte(strings.NewReplacer("steps: 3", "steps: 0", "learning_rate", "learning_rat").Replace(sums))
	_, _, err := r.client.Submit(t.Context(), s)
	said := refusal(t, err, 422, api.CodeInvalidSpec)
	want := "the spec or its data sets are not valid\n" +
		"jobs/süm.yaml:2: steps: 0 is out of bounds (allowed: 1 to 1000000)\n" +
		"jobs/süm.yaml:6: optimizer.learning_rat: unknown field; did you mean optimizer.learning_rate?\n" +
		"jobs/süm.yaml:6: optimizer.learning_rate: missing (allowed: above 0 and at most 1000)"
	if said.Error() != want {
		t.Errorf("%v\nexpected\n%s", said, want)
	}
	s = submissionOf("mine")
	s.Data[spec.RoleTasks] = []byte("{}\n\n")
	_, _, err = r.client.Submit(t.Context(), s)
	said = refusal(t, err, 422, api.CodeInvalidSpec)
	if len(said.Fields) != 1 || said.Fields[0].File != "train.jsonl" || said.Fields[0].Line != 2 || said.Fields[0].Field != "tasks.data" {
		t.Errorf("%+v", said.Fields)
	}
	if keys := stored(t, r.store); len(keys) != 0 || r.wakes.Load() != 0 {
		t.Errorf("a refused submission left %q", keys)
	}
}

func stored(tb testing.TB, b blob.Bucket) (keys []string) {
	tb.Helper()
	for info, err := range b.List(tb.Context(), "", "") {
		if err != nil {
			tb.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func TestTooLargeSubmissionIsRefused(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	s := submissionOf("mine")
	s.Spec = bytes.Repeat([]byte("#"), spec.MaxBytes+1)
	_, _, err := r.client.Submit(t.Context(), s)
	if said := refusal(t, err, 413, api.CodeTooLarge); !strings.Contains(said.Message, "spec") {
		t.Error(said)
	}
}

func TestMalformedSubmissionSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := start(t, mem.New())
	tasks := map[string]string{spec.RoleTasks: "{}"}
	for body, want := range map[string]string{
		"--cut--\r\n":                                     "the part spec is missing",
		form("a", sums, tasks)[:300]:                      "cannot be read",
		form("a", sums, nil) + "garbage":                  "",
		form("a", sums, map[string]string{"other": "{}"}): "none of spec, tasks, eval and threads",
		strings.TrimSuffix(form("a", sums, tasks), "--cut--\r\n") + form("a", sums, nil): "comes twice",
	} {
		status, answer := r.call(t, "POST", "/v1/jobs", body, "Content-Type", "multipart/form-data; boundary=cut")
		if want == "" {
			if status != 422 || !strings.Contains(answer, "was not sent") {
				t.Errorf("%q: %d %s", body, status, answer)
			}
			continue
		}
		if status != 400 || !strings.Contains(answer, want) {
			t.Errorf("%q: %d %s, expected %s", body, status, answer, want)
		}
	}
	s := submissionOf("two words")
	_, _, err := r.client.Submit(t.Context(), s)
	_ = refusal(t, err, 400, api.CodeInvalidRequest)
}
