package reward_test

import (
	"math"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/reward"
)

// kinds has every kind of reward that asks nobody, with what comes of it. Value
// is NaN where there is no reward, and then reason and detail say why.
func TestEveryKindOfRewardIsAValueOrANamedReason(t *testing.T) {
	t.Parallel()
	none := math.NaN()
	for _, c := range []struct {
		name, section string
		item          reward.Item
		value         float64
		reason        job.Reason
		detail        string
	}{
		{"a number", "{kind: cel, cel: {expression: 'rewards.speed * 2.0'}}", item(thread(""), ""), 0.5, "", ""},
		{"a whole number", "{kind: cel, cel: {expression: 'size(events)'}}", item(thread(""), ""), 7, "", ""},
		{"true is 1", "{kind: cel, cel: {expression: 'truncated'}}", item(thread(""), ""), 1, "", ""},
		{"false is 0, which somebody gave", "{kind: cel, cel: {expression: 'truncated'}}", item(bare(), ""), 0, "", ""},
		{"null is no reward", "{kind: cel, cel: {expression: 'answer == null ? null : dyn(1.0)'}}", item(bare(), ""), none, job.NoReward, ""},
		{"typed events", "{kind: cel, cel: {expression: 'decisions[0].features[1] + double(decisions[0].chosen) + double(tool_calls.filter(c, c.name == \"search\").size())'}}", item(thread(""), ""), 6, "", ""},
		{"errors, model calls, attributes", "{kind: cel, cel: {expression: 'errors[0].class == \"Timeout\" && model_calls[0].output == \"let me see\" && model_calls[0].response == [7, 8] && events[6].attributes.answer == \"x\"'}}", item(thread("x"), ""), 1, "", ""},
		{"the task", "{kind: cel, cel: {expression: 'task.points * 2.0'}}", item(bare(), `{"points": 4}`), 8, "", ""},
		{"a failure is no zero", "{kind: cel, cel: {expression: 'task.points * 2.0'}}", item(bare(), `{}`), none, job.RewardFailed, "no such key: points"},
		{"a failure has the failure score", "{kind: cel, cel: {expression: 'task.points * 2.0'}, failure_score: -3}", item(bare(), `{}`), -3, "", ""},
		{"a failing text", "{kind: cel, cel: {expression: 'task.name'}}", item(bare(), `{"name": "x"}`), none, job.RewardFailed, "which is no number"},
		{"NaN is refused by name", "{kind: cel, cel: {expression: '0.0 / 0.0'}}", item(bare(), ""), none, job.InvalidReward, "NaN"},
		{"infinity is refused by name, whatever the bounds", "{kind: cel, clip_high: 1, cel: {expression: '1.0 / 0.0'}}", item(bare(), ""), none, job.InvalidReward, "+Inf"},
		{"cost", "{kind: cel, cel: {cost: 100, expression: 'lists.range(60).all(a, lists.range(60).all(b, a + b >= 0))'}}", item(bare(), ""), none, job.RewardFailed, "cost limit exceeded"},
		{"bounds", "{kind: cel, clip_low: -1, clip_high: 1, cel: {expression: 'size(events)'}}", item(thread(""), ""), 1, "", ""},
		{"exact, trimmed", "{kind: exact}", item(thread(" forty-two\n"), `{"answer": "forty-two"}`), 1, "", ""},
		{"exact, bytes", "{kind: exact, exact: {form: bytes}}", item(thread(" forty-two"), `{"answer": "forty-two"}`), 0, "", ""},
		{"exact, folded", "{kind: exact, exact: {form: folded}}", item(thread("Yes "), `{"answer": "yes"}`), 1, "", ""},
		{"exact, a number", "{kind: exact}", item(thread("42"), `{"answer": 42}`), 1, "", ""},
		{"exact, another", "{kind: exact}", item(thread("43"), `{"answer": 42}`), 0, "", ""},
		{"exact, no answer", "{kind: exact}", item(bare(), `{"answer": 42}`), none, job.NoReward, ""},
		{"exact, nothing expected", "{kind: exact}", item(thread("1"), `{}`), none, job.RewardFailed, "what is expected: no such key: answer"},
		{"exact, of a tool", "{kind: exact, exact: {answer: 'tool_calls[0].output', expected: '\"found\"'}}", item(thread(""), ""), 1, "", ""},
		{"numeric, near", "{kind: numeric, numeric: {tolerance: 0.01}}", item(thread("3.149"), `{"answer": 3.14}`), 1, "", ""},
		{"numeric, far", "{kind: numeric, numeric: {tolerance: 0.01}}", item(thread("3.151"), `{"answer": 3.14}`), 0, "", ""},
		{"numeric, relative", "{kind: numeric, numeric: {relative: 0.1}}", item(thread("109"), `{"answer": "100"}`), 1, "", ""},
		{"numeric, no number", "{kind: numeric}", item(thread("many"), `{"answer": 3}`), none, job.RewardFailed, `the answer is "many", which is no finite number`},
		{"numeric, NaN", "{kind: numeric}", item(thread("NaN"), `{"answer": 3}`), none, job.RewardFailed, "no finite number"},
		{"schema, fits", `{kind: json_schema, json_schema: {schema: '{"type":"object","required":["a"]}'}}`, item(thread(`{"a":1}`), ""), 1, "", ""},
		{"schema, does not", `{kind: json_schema, json_schema: {schema: '{"type":"object","required":["a"]}'}}`, item(thread(`{"b":1}`), ""), 0, "", ""},
		{"schema, no JSON", `{kind: json_schema, json_schema: {schema: '{}'}}`, item(thread(`{"b":`), ""), 0, "", ""},
		{"schema, too long", `{kind: json_schema, json_schema: {schema: '{}'}}`, item(thread(strings.Repeat("1", 1<<20+1)), ""), none, job.RewardFailed, "at most 1048576 are read"},
		{"schema, no answer", `{kind: json_schema, json_schema: {schema: '{}'}}`, item(bare(), ""), none, job.NoReward, ""},
		{"several kinds", "{components: [{name: speed, weight: 2}, {name: long, kind: cel, weight: -1, clip_high: 3, cel: {expression: 'size(events)'}}]}", item(thread(""), ""), -2.5, "", ""},
		{"of several one fails", "{components: [{name: speed}, {name: x, kind: exact}]}", item(thread("1"), "{}"), none, job.RewardFailed, "what is expected"},
		{"of several one fails and has a score", "{components: [{name: speed}, {name: x, kind: exact, failure_score: -1}]}", item(thread("1"), "{}"), -0.75, "", ""},
		{"of several one is missing and has a score", "{components: [{name: speed}, {name: x, failure_score: -1}]}", item(thread("1"), "{}"), -0.75, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, section := scorer(t, c.section, reward.Services{})
			got, err := reward.Judge(t.Context(), s, section.FailureScore, []reward.Item{c.item})
			if err != nil || len(got) != 1 {
				t.Fatal(got, err)
			}
			v := got[0]
			if v.Reason != c.reason || !strings.Contains(v.Detail, c.detail) || (c.reason == "" && (v.Value != c.value || !v.Given)) {
				t.Fatalf("got %+v; want %v, %q, %q", v, c.value, c.reason, c.detail)
			}
		})
	}
}

func TestWhatARewardHoldsIsCheckedWithItsPlace(t *testing.T) {
	t.Parallel()
	for section, want := range map[string]string{
		"{kind: cel, cel: {expression: 'rewards.speed + nosuch'}}":                          "f: reward.cel.expression: line 1, column 17: undeclared reference to 'nosuch'",
		"{kind: cel, cel: {expression: \"1.0 +\\n  decisions[0].choosen\"}}":                "f: reward.cel.expression: line 2, column 15: undefined field 'choosen'",
		"{kind: cel, cel: {expression: '1.0 +'}}":                                           "f: reward.cel.expression: line 1, column 6: Syntax error",
		"{kind: cel, cel: {expression: 'events'}}":                                          "f: reward.cel.expression: line 1, column 1: it gives list(reward.Event), and must give double or int or uint or bool",
		"{kind: numeric, numeric: {expected: 'tasks.answer'}}":                              "f: reward.numeric.expected: line 1, column 1: undeclared reference to 'tasks'",
		"{kind: json_schema, json_schema: {schema: '{\"type\":'}}":                          "f: reward.json_schema.schema: at byte 8:",
		"{kind: json_schema, json_schema: {schema: '{\"$ref\":\"http://a.example/b\"}'}}":   "f: reward.json_schema.schema: ",
		"{kind: json_schema, json_schema: {schema: '{\"pattern\":\"(\"}'}}":                 "f: reward.json_schema.schema: ",
		"{components: [{name: a}, {name: b, kind: cel, cel: {expression: 'thread == 1'}}]}": "f: reward.components.cel.expression: of b: line 1, column 1: undeclared",
	} {
		s, err := spec.Decode("f", []byte(document(section)))
		if err != nil {
			t.Error(err)
			continue
		}
		if err := reward.Check("f", s.Reward, nil); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v; want %s", section, err, want)
		}
	}
	s, err := spec.Decode("f", []byte(document("{kind: http, http: {url: 'http://elsewhere.example/x'}}")))
	if err != nil || reward.Check("f", s.Reward, nil) != nil {
		t.Error(err, reward.Check("f", s.Reward, nil))
	}
}

func TestNothingOfWhoDidTheWorkReachesAReward(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"thread", "nonce", "time", "index"} {
		s, err := spec.Decode("f", []byte(document("{kind: cel, cel: {expression: 'dyn("+name+") == null'}}")))
		if err != nil || reward.Check("f", s.Reward, nil) == nil {
			t.Errorf("%s is a variable: %v", name, err)
		}
	}
}
