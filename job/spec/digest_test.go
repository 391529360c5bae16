package spec_test

import (
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job/spec"
)

// alternatives has, for each field that can be changed, another value.
func alternatives() map[string]any {
	return map[string]any{
		"name": "b", "seed": 2, "steps": 11,
		"policy.features": 9, "policy.hidden": 64,
		"agent.url": "http://127.0.0.1:2/", "agent.timeout": "29s", "agent.attempts": 2, "agent.backoff": "1s", "agent.health": "http://h/",
		"tasks.data": "b.jsonl", "tasks.groups": 5, "tasks.rollouts": 9,
		"traces.topic": "t", "traces.partitions": 5, "traces.retention": "1h",
		"reward.components": []any{map[string]any{"name": "a"}}, "reward.name": "score", "reward.failure_score": 0,
		"grpo.algorithm": "dapo", "grpo.clip_low": 0.1, "grpo.clip_high": 0.3,
		"grpo.kl.coefficient": 0.1, "grpo.advantage.scale": "none", "grpo.advantage.epsilon": 0.01,
		"grpo.zero_variance": "keep", "grpo.min_group": 3, "grpo.dynamic_sampling.rounds": 2,
		"grpo.epochs": 2, "grpo.minibatches": 2, "grpo.accumulate": 2, "grpo.dynamic_sampling.min_groups": 3,
		"grpo.clip_dual": 3, "grpo.tau_positive": 2, "grpo.tau_negative": 2, "grpo.shape_positive": 1, "grpo.rate_positive": 1,
		"grpo.shape_negative": 1, "grpo.rate_negative": 1, "grpo.aggregation": "token_mean", "grpo.max_length": 9,
		"grpo.old": "sampling", "grpo.truncated": "mask", "grpo.staleness": 2,
		"grpo.kl.kind": "k1", "grpo.kl.placement": "reward", "grpo.kl.adaptive.target": 0.2, "grpo.kl.adaptive.horizon": 100,
		"grpo.kl.sync.every": 5, "grpo.kl.sync.mix": 0.5,
		"grpo.correction.level": "token", "grpo.correction.mode": "mask", "grpo.correction.min": 0.5, "grpo.correction.max": 5,
		"grpo.correction.off_policy": 0.1,
		"grpo.entropy.coefficient":   0.1, "grpo.entropy.top_fraction": 0.2, "grpo.entropy.adaptive.target": 0.2,
		"grpo.entropy.adaptive.delta": 0.1, "grpo.entropy.adaptive.min": 0.05, "grpo.entropy.adaptive.max": 0.5,
		"grpo.advantage.estimator": "rloo", "grpo.advantage.ddof": 0, "grpo.advantage.singleton": "formula", "grpo.advantage.equal": "formula",
		"grpo.overlong.max_length": 20, "grpo.overlong.buffer": 5, "grpo.overlong.factor": 2,
		"traces.offline.source": "b", "traces.offline.thread_by": "b", "traces.offline.task_by": "b", "traces.offline.errored": "drop",
		"traces.offline.behaviour": "computed", "traces.offline.checkpoint": "0123456789ac", "traces.offline.held_out": 0.5,
		"reward.clip_low": -1, "reward.clip_high": 1,
		"reward.cel.expression": "2.0", "reward.cel.cost": 9, "reward.json_schema.schema": "true", "reward.json_schema.answer": "'1'",
		"reward.exact.answer": "'1'", "reward.exact.expected": "'1'", "reward.exact.form": "bytes",
		"reward.numeric.answer": "1", "reward.numeric.expected": "1", "reward.numeric.tolerance": 1, "reward.numeric.relative": 1,
		"reward.http.url": "http://127.0.0.1:2/", "reward.http.batch": 2, "reward.http.timeout": "2s", "reward.http.attempts": 2, "reward.http.backoff": "2s",
		"optimizer.momentum": 0.5, "optimizer.schedule.floor": 0.5,
		"optimizer.kind": "adamw", "optimizer.learning_rate": 0.2, "optimizer.beta1": 0.8, "optimizer.beta2": 0.8,
		"optimizer.epsilon": 1e-6, "optimizer.weight_decay": 0.1, "optimizer.max_grad_norm": 2,
		"optimizer.schedule.kind": "cosine", "optimizer.schedule.warmup": 3,
		"eval.data": "e.jsonl", "eval.every": 5, "eval.tasks": 5, "eval.timeout": "1s",
		"checkpoint.chunk_bytes":    1 << 20,
		"checkpoint.keep":           5,
		"checkpoint.keep_best":      2,
		"limits.deadlines.rollout":  "20m",
		"limits.deadlines.collect":  "20m",
		"limits.deadlines.update":   "20m",
		"limits.deadlines.eval":     "20m",
		"limits.rollouts_in_flight": 8, "limits.shard_rollouts": 8, "limits.collect_rollouts": 64, "limits.gradient_groups": 4,
		"limits.min_used": 0.5, "limits.shards_in_flight": 4, "limits.priority": "high", "limits.drives": 30,
		"start.checkpoint": "abcdef012345", "start.job": "other", "start.mode": "warm",
	}
}

// digest returns the training digest of a document with the given values.
func digest(t *testing.T, values map[string]any) (*spec.Spec, blob.Digest) {
	t.Helper()
	s, err := decode(t, document(values))
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.TrainingDigest(blob.DigestOf([]byte("tasks")))
	if err != nil {
		t.Fatal(err)
	}
	return s, d
}

func TestTrainingDigestChangesWithTheMathematicsAlone(t *testing.T) {
	t.Parallel()
	mathematics := []string{
		"seed", "policy.", "tasks.groups", "tasks.rollouts", "reward.", "grpo.", "optimizer.", "checkpoint.chunk_bytes",
	}
	fields := leaves(schema(t).Schema(), "")
	for _, path := range []string{"version", "policy.kind", "reward.kind", "grpo.kl.reference"} {
		delete(fields, path) // they have one value, or no default
	}
	changes := alternatives()
	for path := range fields {
		if changes[path] == nil {
			t.Errorf("%s has no alternative value in this test", path)
		}
	}
	for path, value := range changes {
		base, before := digest(t, needs(path))
		changed, after := digest(t, map[string]any{path: value})
		matters := false
		for _, prefix := range mathematics {
			matters = matters || strings.HasPrefix(path, prefix)
		}
		matters = matters && (!strings.HasPrefix(path, "reward.http.") || path == "reward.http.url")
		if (after != before) != matters {
			t.Errorf("%s: digest changed is %v, want %v", path, after != before, matters)
		}
		// A section that was not there before differs as a whole.
		if got := spec.FirstDifference(base, changed); got != path && !strings.HasPrefix(path, got+".") {
			t.Errorf("first difference is %q, want %q", got, path)
		}
	}
}

func TestTrainingDigestHoldsStepsOnlyWhereAScheduleNeedsThem(t *testing.T) {
	t.Parallel()
	for kind, matters := range map[string]bool{"constant": false, "linear": true, "cosine": true} {
		_, ten := digest(t, map[string]any{"optimizer.schedule.kind": kind})
		_, twenty := digest(t, map[string]any{"optimizer.schedule.kind": kind, "steps": 20})
		if (ten != twenty) != matters {
			t.Errorf("%s: digest changed is %v, want %v", kind, ten != twenty, matters)
		}
	}
}

func TestTrainingDigestHoldsTheTasksNotTheirPath(t *testing.T) {
	t.Parallel()
	s, before := digest(t, nil)
	if after, err := s.TrainingDigest(blob.DigestOf([]byte("other tasks"))); err != nil || after == before {
		t.Errorf("digest %s, %v: other tasks have the digest of these", after, err)
	}
}

func TestEqualSettingsHaveEqualDigestsHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	_, left := digest(t, nil)
	for path, value := range map[string]any{
		"grpo.aggregation": "sequence_mean", "grpo.advantage.scale": "group", "grpo.advantage.epsilon": 1e-4, "grpo.advantage.ddof": 1,
		"grpo.advantage.estimator": "grpo", "grpo.old": "recomputed", "grpo.truncated": "keep",
		"policy.hidden": 128, "grpo.clip_low": 0.2e0, "checkpoint.chunk_bytes": "16384KiB", "tasks.rollouts": 8.0,
		"optimizer.weight_decay": "-0",
	} {
		text := strings.ReplaceAll(string(must(t, document(map[string]any{path: value}))), `"-0"`, "-0.0")
		s, err := spec.Decode("spec.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if right, err := s.TrainingDigest(blob.DigestOf([]byte("tasks"))); err != nil || right != left {
			t.Errorf("%s: written out it has the digest %s, %v; want %s", path, right, err, left)
		}
	}
}
