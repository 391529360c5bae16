package reward_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/reward"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
)

// thread is a trace with one event of each kind; it answered answer.
func thread(answer string) *traces.Trace {
	return &traces.Trace{Thread: "j/1/0/0/nonce", Events: []telemetry.Event{
		{Name: "start", Body: telemetry.Start{Task: "t"}},
		{Name: "route", Body: telemetry.Decision{Width: 2, Features: []float32{1, 2, 3, 4}, Chosen: 1, LogProb: -0.5}},
		{Name: "chat", Attributes: []telemetry.Attribute{{Key: "output", Value: "let me see"}}, Body: telemetry.ModelCall{Model: "small", Response: []uint32{7, 8}}},
		{Name: "tool", Body: telemetry.ToolCall{Tool: "search", Input: []byte("q"), Output: []byte("found"), Duration: time.Second}},
		{Name: "speed", Body: telemetry.Reward{Value: 0.25}},
		{Name: "oops", Body: telemetry.Error{Class: "Timeout", Message: "slow"}},
		{Name: "end", Attributes: []telemetry.Attribute{{Key: "answer", Value: answer}}, Body: telemetry.End{Truncated: true}},
	}}
}

// bare is a trace in which nothing happened.
func bare() *traces.Trace {
	return &traces.Trace{Events: []telemetry.Event{{Name: "start", Body: telemetry.Start{}}, {Name: "end", Body: telemetry.End{}}}}
}

func item(t *traces.Trace, task string) reward.Item {
	return reward.Item{Trace: t, Task: json.RawMessage(task)}
}

// scorer makes the scorer of a reward section in YAML.
func scorer(t *testing.T, section string, services reward.Services) (reward.Scorer, spec.Reward) {
	t.Helper()
	s, err := spec.Decode("f", []byte(document(section)))
	if err != nil {
		t.Fatal(err)
	}
	made, err := reward.New(s.Reward, services)
	if err != nil {
		t.Fatal(err)
	}
	return made, s.Reward
}

func document(section string) string {
	return "name: a\nsteps: 1\npolicy: {kind: linear, features: 2}\nagent: {url: \"http://127.0.0.1:1\"}\ntasks: {data: a.jsonl, groups: 1}\noptimizer: {learning_rate: 0.1}\nreward: " + section + "\n"
}
