package stage

import (
	"fmt"
	"strings"

	"github.com/cohort-rl/cohort/job/spec"
)

// Load is what a job asks of the system.
type Load struct {
	// Rollouts is how many a step has; a multiple of 8.
	Rollouts int
	// PerShard is how many one shard has, all of them in flight at once.
	PerShard int
}

const template = `
name: bench
steps: 1000000
policy: {kind: linear, features: 4}
agent: {url: %q, timeout: 60s}
tasks: {data: tasks.jsonl, groups: %d, rollouts: 8}
optimizer: {kind: sgd, learning_rate: 0.01}
limits: {shard_rollouts: %d, rollouts_in_flight: %d}
`

// Spec is the job's spec, without an end in sight: the case cancels it. Its
// rollouts have rewards of 0 and 1 by chance, so every step learns.
func (l Load) Spec(agentURL string) (*spec.Spec, error) {
	return spec.Decode("bench.yaml", fmt.Appendf(nil, template, agentURL, l.Rollouts/8, l.PerShard, l.PerShard))
}

// Tasks is the data set that the spec names.
func (Load) Tasks() []byte { return []byte(strings.Repeat("{}\n", 64)) }
