package spec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/optimize"
	"github.com/cohort-rl/cohort/optimize/grpo"
	"github.com/cohort-rl/cohort/policy"
)

// schema returns the schema of a spec, ready to validate.
func schema(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	text, err := spec.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

// leaves returns the fields of a schema that are no sections, by path.
func leaves(s *jsonschema.Schema, prefix string) map[string]*jsonschema.Schema {
	all := make(map[string]*jsonschema.Schema)
	for name, p := range s.Properties {
		if p.Type != "object" {
			all[prefix+name] = p
			continue
		}
		maps.Copy(all, leaves(p, prefix+name+"."))
	}
	return all
}

// sorted returns the keys of m in order.
func sorted[T any](m map[string]T) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// needs returns what must stand beside a field for it to exist and have an effect.
func needs(path string) map[string]any {
	section := path[:strings.LastIndexByte(path, '.')+1]
	switch {
	case section == "start.":
		return map[string]any{"start.checkpoint": "0123456789ab"}
	case section == "grpo.overlong.":
		return map[string]any{"grpo.overlong.max_length": 1000, "grpo.overlong.buffer": 10}
	case section == "grpo.kl.adaptive.":
		return map[string]any{"grpo.kl.coefficient": 0.1, "grpo.kl.adaptive.target": 0.5}
	case section == "grpo.kl.sync.":
		return map[string]any{"grpo.kl.coefficient": 0.1, "grpo.kl.sync.every": 3}
	case section == "grpo.entropy.adaptive.":
		return map[string]any{"grpo.entropy.adaptive.target": 0.5, "grpo.entropy.coefficient": 0.1}
	case section == "traces.offline.":
		return map[string]any{"traces.offline.source": "a", "traces.offline.checkpoint": "0123456789ab"}
	case section == "reward.cel.":
		return map[string]any{"reward.kind": "cel", "reward.cel.expression": "1.0"}
	case section == "reward.json_schema.":
		return map[string]any{"reward.kind": "json_schema", "reward.json_schema.schema": "{}"}
	case section == "reward.http.":
		return map[string]any{"reward.kind": "http", "reward.http.url": "http://127.0.0.1:1/"}
	case section == "reward.exact.", section == "reward.numeric.":
		return map[string]any{"reward.kind": strings.TrimSuffix(section[len("reward."):], ".")}
	case strings.HasPrefix(path, "grpo.tau_"):
		return map[string]any{"grpo.algorithm": "sapo"}
	case strings.HasPrefix(path, "grpo.shape_"), strings.HasPrefix(path, "grpo.rate_"):
		return map[string]any{"grpo.algorithm": "vespo"}
	}
	return map[string]map[string]any{
		"optimizer.momentum":               {"optimizer.kind": "sgd"},
		"optimizer.schedule.floor":         {"optimizer.schedule.kind": "linear"},
		"grpo.dynamic_sampling.min_groups": {"grpo.dynamic_sampling.rounds": 2},
		"grpo.max_length":                  {"grpo.aggregation": "sequence_sum_norm"},
		"grpo.accumulate":                  {"grpo.minibatches": 4},
		"grpo.kl.kind":                     {"grpo.kl.coefficient": 0.1},
		"grpo.kl.placement":                {"grpo.kl.coefficient": 0.1},
		"grpo.staleness":                   {"grpo.old": "sampling"},
		"grpo.correction.mode":             {"grpo.correction.level": "token"},
		"grpo.correction.min":              {"grpo.correction.level": "token"},
		"grpo.correction.max":              {"grpo.correction.level": "token"},
		"grpo.min_group":                   {"grpo.zero_variance": "keep"},
		"grpo.advantage.equal":             {"grpo.zero_variance": "keep"},
		"grpo.advantage.singleton":         {"grpo.zero_variance": "keep", "grpo.min_group": 1},
	}[path]
}

// document returns a spec that is valid, apart from the values given by path.
func document(values map[string]any) map[string]any {
	doc := make(map[string]any)
	put := func(path string, value any) {
		at := doc
		names := strings.Split(path, ".")
		for _, name := range names[:len(names)-1] {
			if at[name] == nil {
				at[name] = make(map[string]any)
			}
			at = at[name].(map[string]any)
		}
		at[names[len(names)-1]] = value
	}
	for path, value := range map[string]any{
		"name": "a", "steps": 10, "policy.kind": "mlp", "policy.features": 8,
		"agent.url": "http://127.0.0.1:1/", "tasks.data": "a.jsonl", "tasks.groups": 4,
		"optimizer.learning_rate": 0.1,
	} {
		put(path, value)
	}
	for path, value := range values {
		put(path, value)
		if strings.HasPrefix(path, "traces.offline.") { // no agent attempts any task
			for section, field := range map[string]string{"agent": "url", "tasks": "data"} {
				if _, given := values[section+"."+field]; !given {
					delete(doc[section].(map[string]any), field)
				}
			}
		}
	}
	for _, path := range sorted(values) {
		for other, value := range needs(path) {
			if _, given := values[other]; !given {
				put(other, value)
			}
		}
	}
	return doc
}

// decode reads a document as the YAML that JSON is.
func decode(t interface{ Fatal(...any) }, doc map[string]any) (*spec.Spec, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return spec.Decode("spec.yaml", text)
}

// refusals returns what err says about single fields; rules between fields
// are no part of the schema.
func refusals(err error) []string {
	var all spec.Errors
	errors.As(err, &all)
	var single []string
	for _, e := range all {
		for _, word := range []string{"(allowed: ", "expected ", "exists only", "unknown field", "missing", "has no value"} {
			if strings.Contains(e.Message, word) {
				single = append(single, e.Error())
				break
			}
		}
	}
	return single
}

// agree fails unless schema and decoder both take doc or both refuse it.
func agree(t interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}, s *jsonschema.Resolved, doc map[string]any,
) {
	t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var instance any
	if err := json.Unmarshal(text, &instance); err != nil {
		t.Fatal(err)
	}
	bySchema := s.Validate(instance)
	_, byDecoder := decode(t, doc)
	if single := refusals(byDecoder); (bySchema == nil) != (len(single) == 0) {
		t.Fatalf("%s\nschema: %v\ndecoder: %v", text, bySchema, single)
	}
}

func TestSchemaAndDecoderHaveTheSameBounds(t *testing.T) {
	t.Parallel()
	s := schema(t)
	checked := 0
	for path, leaf := range leaves(s.Schema(), "") {
		numeric := leaf
		if leaf.AnyOf != nil { // a size
			numeric = leaf.AnyOf[0]
		}
		for _, bound := range []*float64{numeric.Minimum, numeric.Maximum, numeric.ExclusiveMinimum, numeric.ExclusiveMaximum} {
			if bound == nil {
				continue
			}
			checked++
			for _, v := range []float64{
				*bound, *bound - 1, *bound + 1, *bound + 0.5,
				math.Nextafter(*bound, math.Inf(1)), math.Nextafter(*bound, math.Inf(-1)),
			} {
				agree(t, s, document(map[string]any{path: v}))
			}
		}
		if (numeric.Type == "integer" || numeric.Type == "number") && numeric.Maximum == nil && numeric.ExclusiveMaximum == nil {
			t.Errorf("%s has no upper bound", path)
		}
	}
	if checked < 50 {
		t.Errorf("only %d bounds checked", checked)
	}
}

func TestSchemaAndDecoderAgreeOnAnyValueOfAnyField(t *testing.T) {
	t.Parallel()
	s := schema(t)
	fields := leaves(s.Schema(), "")
	paths := sorted(fields)
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.SampledFrom(paths).Draw(t, "path")
		leaf := fields[path]
		values := []*rapid.Generator[any]{
			rapid.Just[any](true), rapid.Just[any](nil), rapid.Just[any]([]any{}), rapid.Just[any](map[string]any{}),
			rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.IntRange(-3, 5000).AsAny(),
			rapid.StringMatching(`[ -~]{0,20}`).AsAny(),
		}
		switch {
		case leaf.Enum != nil:
			values = append(values, rapid.SampledFrom(leaf.Enum))
		case leaf.Pattern != "" && leaf.Default == nil && leaf.MaxLength == nil:
			values = append(values, rapid.StringMatching(leaf.Pattern).AsAny())
		}
		value := rapid.OneOf(values...).Draw(t, "value")
		if text, ok := value.(string); ok && (leaf.AnyOf != nil || strings.Contains(leaf.Pattern, "ms|s|m|h")) && text != "" {
			t.Skip("the schema has no bounds for sizes and durations in words")
		}
		agree(t, s, document(map[string]any{path: value}))
	})
}

func TestSchemaAndDecoderKnowTheSameFields(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for _, path := range sorted(leaves(s.Schema(), "")) {
		agree(t, s, document(map[string]any{path + "x": 1}))
		name := path[strings.LastIndexByte(path, '.')+1:]
		agree(t, s, document(map[string]any{path[:len(path)-len(name)] + strings.ToUpper(name): 1}))
	}
	for _, required := range []string{"name", "steps", "policy", "agent", "tasks", "optimizer"} {
		doc := document(nil)
		delete(doc, required)
		agree(t, s, doc)
	}
	for _, kind := range []string{"linear", "mlp"} {
		agree(t, s, document(map[string]any{"policy.kind": kind, "policy.hidden": 3}))
	}
	for _, kind := range []string{"adam", "adamw", "sgd"} {
		agree(t, s, document(map[string]any{"optimizer.kind": kind, "optimizer.beta1": 0.5}))
	}
}

func TestChoicesAreThoseOfThePackagesThatCompute(t *testing.T) {
	t.Parallel()
	fields := leaves(schema(t).Schema(), "")
	for path, known := range map[string][]string{
		"policy.kind":              {policy.Linear, policy.MLP},
		"optimizer.kind":           optimize.Kinds(),
		"optimizer.schedule.kind":  optimize.Schedules(),
		"grpo.algorithm":           grpo.Algorithms(),
		"grpo.advantage.scale":     {string(grpo.ScaleNone), string(grpo.ScaleGroup), string(grpo.ScaleBatch), string(grpo.ScaleMean), string(grpo.ScaleWhiten), string(grpo.ScaleNonzero)},
		"grpo.advantage.estimator": grpo.EstimatorNames(),
	} {
		for _, choice := range fields[path].Enum {
			if !slices.Contains(known, fmt.Sprint(choice)) {
				t.Errorf("%s offers %v, which nothing computes (known: %v)", path, choice, known)
			}
		}
	}
}
