package countdown

import _ "embed" // for the job specs

//go:embed job.yaml
var job string

//go:embed job-mlp.yaml
var jobMLP string

//go:embed job-fast.yaml
var jobFast string

// Job returns the job spec that trains a linear policy on Train. Its data sets
// are train.jsonl (Train) and heldout.jsonl (HeldOut).
func Job() []byte { return []byte(job) }

// JobMLP returns the job spec that trains a policy with one hidden layer.
func JobMLP() []byte { return []byte(jobMLP) }

// JobFast returns the job spec that learns as much as JobMLP in a fraction of
// the steps.
func JobFast() []byte { return []byte(jobFast) }
