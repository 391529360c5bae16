package submission_test

import (
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/submission"
)

const yaml = `name: sums
steps: 3
policy: {kind: linear, features: 4}
agent: {url: "http://127.0.0.1:7000/rollouts"}
tasks: {data: train.jsonl, groups: 2}
eval: {data: held-out.jsonl}
optimizer: {learning_rate: 0.5}
`

func decode(tb testing.TB, text string) *spec.Spec {
	tb.Helper()
	s, err := spec.Decode("job.yaml", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// request asks for a job under the key "mine".
func request(tb testing.TB, id job.ID) submission.Request {
	tb.Helper()
	return submission.Request{
		Key: "mine", Spec: decode(tb, yaml), ID: id,
		At: time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC),
		Files: map[string][]byte{
			spec.RoleTasks: []byte("{\"n\":1}\n{\"n\":2}\n"),
			spec.RoleEval:  []byte(`{"n":3}`),
		},
	}
}

func submit(tb testing.TB, b blob.Bucket, r submission.Request) (job.Definition, bool) {
	tb.Helper()
	def, created, err := submission.Submit(tb.Context(), b, r)
	if err != nil {
		tb.Fatal(err)
	}
	return def, created
}

// contents is everything that is in the bucket.
func contents(tb testing.TB, b blob.Bucket) map[string]string {
	tb.Helper()
	all := map[string]string{}
	for info, err := range b.List(tb.Context(), "", "") {
		if err != nil {
			tb.Fatal(err)
		}
		object, err := b.Get(tb.Context(), info.Key)
		if err != nil {
			tb.Fatal(err)
		}
		all[info.Key] = string(object.Body)
	}
	return all
}
