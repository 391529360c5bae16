package job_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/job/spec"
)

// specOf reads the settings of a scenario's job: name=value.
func specOf(t *testing.T, words []string) func(*spec.Spec) {
	t.Helper()
	return func(s *spec.Spec) {
		for _, word := range words {
			name, value, _ := strings.Cut(word, "=")
			if strings.HasPrefix(name, "deadline.") {
				setDeadline(t, s, name, value)
				continue
			}
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatalf("setting %q: %v", word, err)
			}
			switch name {
			case "steps":
				s.Steps = n
			case "groups":
				s.Tasks.Groups = n
			case "rollouts":
				s.Tasks.Rollouts = n
			case "partitions":
				s.Traces.Partitions = n
			case "shard":
				s.Limits.ShardRollouts = n
			case "collect":
				s.Limits.CollectRollouts = n
			case "staleness":
				s.GRPO.Staleness, s.GRPO.Old = n, "sampling"
			case "rounds":
				s.GRPO.DynamicSampling.Rounds, s.GRPO.DynamicSampling.MinGroups = n, s.Tasks.Groups
			case "min_used_percent":
				s.Limits.MinUsed = float64(n) / 100
			case "gdpo":
				s.GRPO.Advantage.Estimator = "gdpo"
				for i := range n {
					s.Reward.Components = append(s.Reward.Components, spec.Component{Name: strconv.Itoa(i), Weight: float64(i + 1)})
				}
			case "gradient_groups":
				s.Limits.GradientGroups = n
			case "eval":
				s.Eval = &spec.Eval{Every: n}
			default:
				t.Fatalf("no setting is called %q", name)
			}
		}
	}
}

func setDeadline(t *testing.T, s *spec.Spec, name, value string) {
	t.Helper()
	d := spec.Duration(duration(t, value))
	switch name {
	case "deadline.rollout":
		s.Limits.Deadlines.Rollout = d
	case "deadline.collect":
		s.Limits.Deadlines.Collect = d
	case "deadline.update":
		s.Limits.Deadlines.Update = d
	case "deadline.eval":
		s.Limits.Deadlines.Eval = d
	default:
		t.Fatalf("no deadline is called %q", name)
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
