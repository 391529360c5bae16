package submission_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/submission"
)

func TestWrongDataSetsAreAllNamedAndNothingIsStored(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string][]byte
		want  string
	}{
		"missing": {
			files: map[string][]byte{},
			want: "train.jsonl: tasks.data: the data set was not sent with the spec\n" +
				"held-out.jsonl: eval.data: the data set was not sent with the spec",
		},
		"empty and broken": {
			files: map[string][]byte{spec.RoleTasks: {}, spec.RoleEval: []byte("{}\n[1]\n")},
			want: "train.jsonl: tasks.data: not JSON Lines: the file is empty\n" +
				"held-out.jsonl:2: eval.data: not JSON Lines: the line is not a JSON object, which starts with {",
		},
	} {
		b := mem.New()
		r := request(t, "sums-1")
		r.Files = test.files
		_, _, err := submission.Submit(t.Context(), b, r)
		var wrong spec.Errors
		if !errors.As(err, &wrong) || err.Error() != test.want {
			t.Errorf("%s:\n%v\nexpected\n%s", name, err, test.want)
		}
		if all := contents(t, b); len(all) != 0 {
			t.Errorf("%s: the store holds %d objects", name, len(all))
		}
	}
}

func TestUnnamedDataSetIsRefused(t *testing.T) {
	t.Parallel()
	r := request(t, "sums-1")
	r.Spec = decode(t, strings.Replace(yaml, "eval: {data: held-out.jsonl}\n", "", 1))
	if _, _, err := submission.Submit(t.Context(), mem.New(), r); err == nil || !strings.Contains(err.Error(), "eval: a data set was sent that the spec does not name") {
		t.Errorf("%v", err)
	}
}

func TestEvaluationOnTheTasksNeedsOneFile(t *testing.T) {
	t.Parallel()
	r := request(t, "sums-1")
	r.Spec = decode(t, strings.Replace(yaml, "held-out.jsonl", "train.jsonl", 1))
	delete(r.Files, spec.RoleEval)
	if def, _ := submit(t, mem.New(), r); def.Eval != def.Tasks || def.Eval.Lines != 2 {
		t.Errorf("tasks %+v, evaluation %+v", def.Tasks, def.Eval)
	}
}

func TestKeyIsVisibleASCII(t *testing.T) {
	t.Parallel()
	for _, key := range []string{" ", "two words", "é", "tab\t", strings.Repeat("k", 256)} {
		r := request(t, "sums-1")
		r.Key = key
		if _, _, err := submission.Submit(t.Context(), mem.New(), r); !errors.Is(err, submission.ErrInvalidKey) {
			t.Errorf("%q: %v", key, err)
		}
	}
	r := request(t, "../other")
	if _, _, err := submission.Submit(t.Context(), mem.New(), r); !errors.Is(err, job.ErrInvalidID) {
		t.Errorf("%v", err)
	}
}
