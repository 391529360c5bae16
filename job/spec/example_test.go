package spec_test

import (
	"fmt"

	"github.com/cohort-rl/cohort/job/spec"
)

// Every mistake is listed at once, with its line and what would be right.
func ExampleDecode() {
	_, err := spec.Decode("job.yaml", []byte(`name: countdown
steps: 0
policy: {kind: linear, features: 64}
agent: {url: "http://127.0.0.1:7000/rollouts"}
tasks: {data: train.jsonl, groups: 32}
optimizer: {learning_rat: 1}
`))
	fmt.Println(err)
	// Output:
	// job.yaml:2: steps: 0 is out of bounds (allowed: 1 to 1000000)
	// job.yaml:6: optimizer.learning_rat: unknown field; did you mean optimizer.learning_rate?
	// job.yaml:6: optimizer.learning_rate: missing (allowed: above 0 and at most 1000)
}
