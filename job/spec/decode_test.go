package spec_test

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/job/spec"
)

func must(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestHostileInputIsRefused(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := byte('b'); i <= 'j'; i++ {
		before := string(i - 1)
		bomb += string(i) + ": &" + string(i) + " [*" + strings.Repeat(before+",*", 8) + before + "]\n"
	}
	for name, c := range map[string]struct{ text, want string }{
		"too large":        {"# " + strings.Repeat("x", spec.MaxBytes), "f: the spec has 1048578 bytes (allowed: at most 1048576)"},
		"alias bomb":       {bomb, "f:10: j: unknown field; "},
		"unknown anchor":   {"a: *b\n", "f:1: not valid YAML: unknown anchor 'b' referenced"},
		"deep nesting":     {strings.Repeat("[", 20_000), "f:1: not valid YAML: "},
		"control":          {"name: \x00", "f:1: not valid YAML: control characters are not allowed"},
		"unknown tag":      {"name: !secret x", "f:1: name: expected text, found x (!secret)"},
		"binary":           {"name: !!binary eA==", "f:1: name: expected text, found eA== (binary)"},
		"long value":       {"name: " + strings.Repeat("x", 500), `f:1: name: "` + strings.Repeat("x", 80) + `..." is not valid`},
		"long field":       {strings.Repeat("x", 500) + ": 1", "f:1: " + strings.Repeat("x", 80) + "...: unknown field"},
		"huge number":      {"steps: 1" + strings.Repeat("0", 300), "f:1: steps: 1" + strings.Repeat("0", 79) + "... is out of bounds"},
		"infinity":         {"steps: -.inf", "f:1: steps: -.inf is not a finite number (allowed: 1 to 1000000)"},
		"number as text":   {"name: 0x1F", "f:1: name: expected text, found the number 0x1F; put it in quotes if it is meant as text"},
		"trailing garbage": {"name: a\n...\nfoo", "f:1: the file has more than one document: a spec is one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := spec.Decode("f", []byte(c.text))
			if s != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.500v\nwant %s", err, c.want)
			}
		})
	}
}

func TestErrorsAreBoundedInNumber(t *testing.T) {
	t.Parallel()
	_, err := spec.Decode("f", []byte(strings.Repeat("a: 1\n", 100_000)))
	var all spec.Errors
	if !errors.As(err, &all) || len(all) != 1000 {
		t.Errorf("%d errors, want 1000", len(all))
	}
}

func TestOneErrorCanBeTakenOut(t *testing.T) {
	t.Parallel()
	_, err := spec.Decode("job.yaml", must(t, document(map[string]any{"steps": 0})))
	var one *spec.Error
	if !errors.As(err, &one) {
		t.Fatalf("no *Error in %v", err)
	}
	want := spec.Error{File: "job.yaml", Line: 1, Field: "steps", Message: "0 is out of bounds (allowed: 1 to 1000000)"}
	if *one != want {
		t.Errorf("got %+v, want %+v", *one, want)
	}
}

func TestWhatFollowsFromOtherSettingsIsFilledIn(t *testing.T) {
	t.Parallel()
	s, err := decode(t, document(map[string]any{
		"agent.url": "https://agent.example:8443/rollouts?x=1", "agent.timeout": "20s",
		"grpo.dynamic_sampling.rounds": 3, "eval.every": 5,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if s.Agent.Health != "https://agent.example:8443/healthz" {
		t.Errorf("health is %s", s.Agent.Health)
	}
	if s.GRPO.DynamicSampling.MinGroups != s.Tasks.Groups {
		t.Errorf("min_groups is %d", s.GRPO.DynamicSampling.MinGroups)
	}
	if want := (spec.Eval{Data: "a.jsonl", Every: 5, Timeout: spec.Duration(20 * time.Second)}); *s.Eval != want {
		t.Errorf("eval is %+v, want %+v", *s.Eval, want)
	}
}

func TestFilesAreTheDataSetsInOrder(t *testing.T) {
	t.Parallel()
	tasks := spec.File{Role: spec.RoleTasks, Path: "a.jsonl"}
	for name, c := range map[string]struct {
		values map[string]any
		want   []spec.File
	}{
		"no evaluation":    {nil, []spec.File{tasks}},
		"held-out tasks":   {map[string]any{"eval.data": "b.jsonl"}, []spec.File{tasks, {Role: spec.RoleEval, Path: "b.jsonl"}}},
		"evaluation alone": {map[string]any{"eval.every": 1}, []spec.File{tasks, {Role: spec.RoleEval, Path: "a.jsonl"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := decode(t, document(c.values))
			if err != nil {
				t.Fatal(err)
			}
			if got := spec.Files(s); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestChangedSpecIsValidatedAnew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*spec.Spec)
		want   string
	}{
		"out of bounds":         {func(s *spec.Spec) { s.Steps = 0 }, "steps: 0 is out of bounds"},
		"not a number":          {func(s *spec.Spec) { s.GRPO.ClipLow = new(math.NaN()) }, "grpo.clip_low"},
		"against a rule":        {func(s *spec.Spec) { s.GRPO.MinGroup = 100 }, "grpo.min_group: 100 is more than tasks.rollouts (8)"},
		"without its condition": {func(s *spec.Spec) { s.Policy.Kind = "linear" }, "policy.hidden: exists only with policy.kind mlp"},
		"nothing wrong":         {func(s *spec.Spec) { s.Steps = 7 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := decode(t, document(nil))
			if err != nil {
				t.Fatal(err)
			}
			c.change(s)
			switch err := s.Validate(); {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, path := range []string{"valid/full.yaml", "valid/sgd.yaml", "invalid/everything.yaml"} {
		text, err := os.ReadFile("testdata/" + path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("name: a\nsteps: 1\npolicy: {kind: linear, features: 1}\nagent: {url: http://a}\ntasks: {data: a, groups: 1}\noptimizer: {learning_rate: 1}\n"))
	f.Add([]byte("name: a\nstpes: 1e3\neval:\nlimits: {deadlines: {rollout: 1h30m}}\n<<: *a\n"))
	f.Add([]byte("{\"name\":\"\\u0061\",\"agent\":{\"url\":\"http://[::1]:1\",\"timeout\":\"10.0005ms\"}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := spec.Decode("f", data)
		if err != nil {
			var all spec.Errors
			if !errors.As(err, &all) || len(all) == 0 || s != nil {
				t.Fatalf("decoded %v with error %v", s, err)
			}
			return
		}
		again, err := spec.Decode("shown", spec.Marshal(s))
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("shown it does not read as itself: %v\n%s", err, spec.Marshal(s))
		}
		if err := s.Validate(); err != nil {
			t.Fatalf("as JSON it does not read: %v", err)
		}
	})
}
