package job_test

import (
	"fmt"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
)

// smallSpec is a job of one step: two groups of two rollouts, two rollouts a
// shard, one partition, one collect shard.
const smallSpec = `
name: small
steps: 1
policy: {kind: linear, features: 2}
agent: {url: "http://127.0.0.1:1/rollouts"}
tasks: {data: train.jsonl, groups: 2, rollouts: 2}
traces: {partitions: 1}
optimizer: {kind: sgd, learning_rate: 1}
limits: {shard_rollouts: 2}
`

// define is the definition of a job whose spec is smallSpec after change, on
// data sets of five and of three tasks.
func define(tb testing.TB, change func(s *spec.Spec)) job.Definition {
	tb.Helper()
	s, err := spec.Decode("small.yaml", []byte(smallSpec))
	if err != nil {
		tb.Fatal(err)
	}
	if change != nil {
		change(s)
	}
	return job.Definition{
		Format: job.DefinitionFormat, ID: "small-1", Spec: s, Training: blob.DigestOf([]byte("training")),
		Tasks: job.DataSet{Blob: blob.RefOf([]byte("tasks")), Lines: 5},
		Eval:  job.DataSet{Blob: blob.RefOf([]byte("held out")), Lines: 3},
	}
}

// manifest is the id of the checkpoint of a step.
func manifest(step int) blob.Digest { return blob.DigestOf(fmt.Append(nil, "manifest ", step)) }

func checkpointOf(step int) job.Checkpoint {
	return job.Checkpoint{Step: step, Manifest: manifest(step), Weights: blob.DigestOf(fmt.Append(nil, "weights ", step))}
}

// marksNamed are opening or closing markers whose nonces begin with name.
func marksNamed(def *job.Definition, name string) []job.Mark {
	marks := make([]job.Mark, def.Spec.Traces.Partitions)
	for p := range marks {
		marks[p] = job.Mark{Partition: p, Offset: 10, Nonce: name}
	}
	return marks
}

// usable is an outcome with a sample.
func usable(group, rollout int, reward float64) job.Outcome {
	return job.Outcome{
		Group: group, Rollout: rollout, Nonce: "n", Events: 3, Decisions: 1, Reward: &reward,
		Sample: blob.DigestOf(fmt.Append(nil, group, rollout, reward)),
	}
}

// unusable is an outcome without a sample.
func unusable(group, rollout int, reason job.Reason) job.Outcome {
	return job.Outcome{Group: group, Rollout: rollout, Nonce: "n", Reason: reason}
}
