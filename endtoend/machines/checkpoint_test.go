//go:build services

package machines_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
)

const (
	// steps of each job.
	steps = 2
	// patience bounds all that is done for one machine, the compiler's work
	// included.
	patience = 10 * time.Minute
)

// settings are the jobs: between them they take each policy, each optimizer and
// what of the objective has arithmetic of its own.
func settings() map[string]string {
	return map[string]string{
		"linear": `
policy: {kind: linear, features: 22}
optimizer: {kind: adam, learning_rate: 1.0}
`,
		"mlp": `
policy: {kind: mlp, features: 22, hidden: 64}
optimizer: {kind: adamw, learning_rate: 0.02, weight_decay: 0.01, schedule: {kind: cosine}}
grpo:
  algorithm: dapo
  advantage: {estimator: reinforce_pp_baseline}
  kl: {coefficient: 0.05, kind: k3}
  entropy: {coefficient: 0.01}
  epochs: 2
  minibatches: 2
`,
		"sequences": `
policy: {kind: mlp, features: 22, hidden: 32}
optimizer: {kind: sgd, learning_rate: 0.5, momentum: 0.9}
grpo:
  algorithm: gspo
  kl: {coefficient: 0.1, kind: k1, placement: reward}
  epochs: 2
`,
		"rewards": `
policy: {kind: linear, features: 22}
optimizer: {kind: adam, learning_rate: 1.0}
reward: {components: [{name: reward, weight: 2}, {name: not_given}]}
grpo:
  advantage: {estimator: gdpo}
  dynamic_sampling: {rounds: 2}
`,
		"weights": `
policy: {kind: linear, features: 22}
optimizer: {kind: adam, learning_rate: 0.5, max_grad_norm: 1}
grpo:
  algorithm: vespo
  advantage: {estimator: opo}
  zero_variance: keep
  epochs: 2
`,
	}
}

// job is a spec with the settings.
func job(name, settings string) string {
	return fmt.Sprintf(`
name: %s
seed: 7
steps: %d
agent: {url: AGENT/rollouts, timeout: 60s}
tasks: {data: train.jsonl, groups: 12, rollouts: 8}
%s`, name, steps, settings)
}

// Floating point gives the same bits wherever it is computed, so the same seed
// ends at the same checkpoint.
func TestCheckpointsAreTheSameOnEveryMachine(t *testing.T) { //nolint:paralleltest // a machine at a time takes both cores
	var first string
	var want map[string]blob.Digest
	for _, m := range machines() {
		t.Run(m.name, func(t *testing.T) {
			got := checkpoints(t, m)
			if want == nil {
				first, want = m.name, got
				return
			}
			for name, id := range got {
				if id != want[name] {
					t.Errorf("%s: %s ends at checkpoint %s, %s at %s", name, m.name, id, first, want[name])
				}
			}
		})
	}
}

// checkpoints are those at which the machine's jobs end, which are done side by
// side.
func checkpoints(t *testing.T, m machine) map[string]blob.Digest {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cohort := m.runner(ctx, t)
	cohort = append(cohort, m.build(ctx, t, "build", "github.com/cohort-rl/cohort/cmd/cohort"))
	run(ctx, t, "", append(slices.Clone(cohort), "version")...)
	s := startSystem(ctx, t, cohort)
	type result struct {
		name string
		id   blob.Digest
		err  error
	}
	results := make(chan result)
	begun := time.Now()
	for name, settings := range settings() {
		go func() {
			j, err := s.train(ctx, job(name, settings))
			if err == nil && (j.Step != steps || j.Totals.Used == 0) {
				err = fmt.Errorf("at step %d with %+v there was nothing to learn", j.Step, j.Totals)
			}
			results <- result{name, j.Checkpoint, err}
		}()
	}
	ids := map[string]blob.Digest{}
	for range settings() {
		r := <-results
		if r.err != nil {
			t.Errorf("%s: %v", r.name, r.err)
		}
		ids[r.name] = r.id
	}
	if t.Failed() {
		t.FailNow()
	}
	t.Logf("after %.0f s: %v", time.Since(begun).Seconds(), ids)
	return ids
}
