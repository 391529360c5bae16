package spec_test

import (
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/job/spec"
)

func offlineText(more string) string {
	return "name: a\nsteps: 1\npolicy: {kind: linear, features: 2}\ntasks: {groups: 1}\noptimizer: {learning_rate: 0.1}\ntraces: {offline: {source: otlp}}\n" + more
}

func TestOfflineJobNeedsNoAgentAndNoTasks(t *testing.T) {
	t.Parallel()
	s, err := spec.Decode("f", []byte(offlineText("")))
	if err != nil || !s.IsOffline() || s.Traces.Offline.HeldOut != 0.2 {
		t.Fatal(s, err)
	}
	again, err := spec.Decode("f", spec.Marshal(s))
	if err != nil || spec.FirstDifference(s, again) != "" {
		t.Fatal(err)
	}
	roles := map[string]bool{}
	for _, f := range spec.Files(s) {
		roles[f.Role] = f.Path == "otlp"
	}
	if len(roles) != 3 || !roles[spec.RoleTasks] || !roles[spec.RoleEval] || !roles[spec.RoleThreads] {
		t.Fatal(roles)
	}
	for more, want := range map[string]string{
		"agent: {url: \"http://127.0.0.1:1\"}\n":  "f:7: agent.url: has no effect in an offline job",
		"eval: {every: 1}\n":                      "f:7: eval: needs an agent",
		"grpo: {dynamic_sampling: {rounds: 2}}\n": "f:7: grpo.dynamic_sampling.rounds: has no effect in an offline job",
		"grpo: {staleness: 1, old: sampling}\n":   "f:7: grpo.staleness: has no effect in an offline job",
	} {
		if _, err := spec.Decode("f", []byte(offlineText(more))); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v; want %s", more, err, want)
		}
	}
	online := strings.Replace(offlineText(""), "traces: {offline: {source: otlp}}\n", "", 1)
	if _, err := spec.Decode("f", []byte(online)); err == nil || !strings.Contains(err.Error(), "agent: missing section; it needs url") || !strings.Contains(err.Error(), "tasks.data: missing") {
		t.Error(err)
	}
}
