package simulation_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
)

// oneAttempt is the variation whose agents may not fail once.
const oneAttempt = 6

// variations of jobs. Each is small, and together they use every phase.
func variations() []string {
	head := func(steps, groups, rollouts, attempts int, rest string) string {
		timeout := "4s"
		if attempts == 1 {
			timeout = "1500ms" // so that a worker that stands still misses answers
		}
		return fmt.Sprintf(`{name: simulated, seed: 7, steps: %d, policy: {kind: linear, features: %d},
agent: {url: "http://127.0.0.1:1/", timeout: %s, attempts: %d},
tasks: {data: tasks.jsonl, groups: %d, rollouts: %d}, traces: {partitions: 2},
%s}`, steps, features, timeout, attempts, groups, rollouts, rest)
	}
	const (
		plain   = `optimizer: {learning_rate: 0.1}`
		limits  = `limits: {shard_rollouts: 2, rollouts_in_flight: 2, deadlines: {rollout: 24h, collect: 24h, update: 24h, eval: 24h}}`
		sharded = `limits: {shard_rollouts: 2, rollouts_in_flight: 2, collect_rollouts: 2, shards_in_flight: 1, deadlines: {rollout: 24h, collect: 24h, update: 24h, eval: 24h}}`
	)
	return []string{
		head(2, 3, 2, 3, plain+", grpo: {zero_variance: keep}, "+limits),
		head(2, 3, 2, 3, plain+", "+sharded),
		head(3, 2, 2, 3, plain+", grpo: {dynamic_sampling: {rounds: 2}}, "+limits),
		head(2, 2, 2, 3, plain+", eval: {every: 1, tasks: 2}, "+limits),
		head(2, 2, 3, 3, `optimizer: {learning_rate: 0.1, kind: sgd}, grpo: {epochs: 2, minibatches: 2, kl: {coefficient: 0.1}}, `+limits),
		head(2, 2, 2, 3, plain+", eval: {tasks: 2}, grpo: {dynamic_sampling: {rounds: 2}}, "+sharded),
		head(2, 3, 2, 1, plain+", "+limits),
		head(2, 5, 2, 3, plain+", grpo: {epochs: 2, minibatches: 2, accumulate: 2, old: sampling, zero_variance: keep, kl: {coefficient: 0.1}, entropy: {top_fraction: 0.6}}, "+limits),
		head(4, 2, 2, 3, plain+", grpo: {staleness: 1, old: sampling, dynamic_sampling: {rounds: 2}}, "+limits),
		head(5, 3, 2, 3, plain+", eval: {tasks: 2}, grpo: {staleness: 2, correction: {level: token}, zero_variance: keep}, "+sharded),
	}
}

// tasks is the data set.
func tasks() []byte {
	var b bytes.Buffer
	for i := range 5 {
		fmt.Fprintf(&b, "{\"number\": %d}\n", i)
	}
	return b.Bytes()
}

// submit puts a job into the store as the API does.
func (w *world) submit() error {
	s, err := spec.Decode("job.yaml", []byte(variations()[w.plan.variation]))
	if err != nil {
		return err
	}
	s.Limits.GradientGroups = w.plan.gradients
	s.Checkpoint.Keep = w.plan.keep
	if w.plan.steps > 0 {
		s.Steps = w.plan.steps
	}
	if w.plan.start != "" {
		s.Start = &spec.Start{Checkpoint: w.plan.start, Mode: spec.ModeContinue}
	}
	if d := spec.Duration(w.plan.deadline); d > 0 {
		s.Limits.Deadlines = spec.Deadlines{Rollout: d, Collect: d, Update: d, Eval: d}
	}
	data := tasks()
	set := job.DataSet{Blob: blob.RefOf(data), Lines: bytes.Count(data, []byte("\n"))}
	w.store.staleness[w.plan.id()] = s.GRPO.Staleness
	w.def = job.Definition{Format: job.DefinitionFormat, ID: w.plan.id(), At: time.Now().UTC(), Spec: s, Tasks: set}
	if s.Eval != nil {
		w.def.Eval = set
	}
	if w.def.Training, err = s.TrainingDigest(set.Blob.Digest); err != nil {
		return err
	}
	submitted := w.def
	submitted.Spec = w.plan.mutation.spec(s)
	if limit := s.Limits.ShardsInFlight; limit > 0 && !w.plan.rot { // else a shard may be open again
		w.store.limits[w.def.ID] = limit
	}
	definition, err := sealed.Seal(submitted)
	if err != nil {
		return err
	}
	for key, body := range map[string][]byte{
		w.def.ID.DataKey(set.Blob.Digest): data, w.def.ID.ActiveKey(): []byte("{}"), w.def.ID.SpecKey(): definition,
	} {
		if _, err := w.store.put(key, body, blob.IfAbsent()); err != nil {
			return err
		}
	}
	return nil
}

// retired says whether the job has left the list of active ones.
func (w *world) retired() bool {
	if w.looked != w.store.deleted {
		w.looked = w.store.deleted
		_, err := w.store.Head(context.Background(), w.def.ID.ActiveKey())
		w.gone = err != nil
	}
	return w.gone
}
