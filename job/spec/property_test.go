package spec_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/job/spec"
)

// valueOf generates a value that the schema of one field takes.
func valueOf(leaf *jsonschema.Schema) *rapid.Generator[any] {
	switch {
	case leaf.Type == "array":
		return rapid.Map(rapid.SliceOfNDistinct(rapid.StringMatching(leaf.Items.Properties["name"].Pattern), 1, *leaf.MaxItems, rapid.ID[string]),
			func(names []string) any {
				entries := make([]any, len(names))
				for i, name := range names {
					entries[i] = map[string]any{"name": name, "weight": 0.5}
				}
				return entries
			})
	case leaf.Enum != nil:
		return rapid.SampledFrom(leaf.Enum)
	case leaf.AnyOf != nil: // a size
		return rapid.Int64Range(int64(*leaf.AnyOf[0].Minimum), int64(*leaf.AnyOf[0].Maximum)).AsAny()
	case strings.Contains(leaf.Pattern, "ms|s|m|h"):
		return rapid.Custom(func(t *rapid.T) any {
			return spec.Duration(rapid.Int64Range(60e9, 86400e9).Draw(t, "duration")).String()
		})
	case strings.HasPrefix(leaf.Pattern, "^https?"):
		return rapid.StringMatching(`https?://[a-z]{1,8}(:[1-9][0-9]{0,3})?(/[a-z0-9?&=.~]{0,9}){0,2}`).AsAny()
	case leaf.Type == "string" && leaf.MaxLength != nil: // a path
		return rapid.StringMatching(`[ -~äß ☃]{1,40}`).AsAny()
	case leaf.Type == "string":
		return rapid.StringMatching(leaf.Pattern).AsAny()
	case leaf.Type == "integer":
		return rapid.Int64Range(int64(*leaf.Minimum), int64(*leaf.Maximum)).AsAny()
	case leaf.ExclusiveMinimum != nil:
		return rapid.Float64Range(max(1e-300, math.Nextafter(*leaf.ExclusiveMinimum, 2)), *leaf.Maximum).AsAny()
	case leaf.ExclusiveMaximum != nil:
		return rapid.Float64Range(*leaf.Minimum, 0.999999).AsAny()
	}
	return rapid.Float64Range(*leaf.Minimum, *leaf.Maximum).AsAny()
}

// anySpec generates a spec with a few fields set at random. What breaks a rule
// between fields is left at its default.
func anySpec(t *rapid.T, fields map[string]*jsonschema.Schema) *spec.Spec {
	values := make(map[string]any)
	for _, path := range rapid.SliceOfNDistinct(rapid.SampledFrom(sorted(fields)), 0, 12, rapid.ID).Draw(t, "fields") {
		values[path] = valueOf(fields[path]).Draw(t, path)
	}
	for {
		s, err := decode(t, document(values))
		if err == nil {
			return s
		}
		if single := refusals(err); len(single) > 0 && !strings.Contains(err.Error(), "exists only") {
			t.Fatalf("%v: what the schema takes is refused: %v", values, single)
		}
		var all spec.Errors
		errors.As(err, &all)
		before := len(values)
		for _, e := range all {
			delete(values, e.Field)
		}
		if len(values) == before { // the field blamed was not among them
			values = map[string]any{}
		}
	}
}

func TestSpecSurvivesYAMLAndJSON(t *testing.T) {
	t.Parallel()
	fields := leaves(schema(t).Schema(), "")
	rapid.Check(t, func(t *rapid.T) {
		s := anySpec(t, fields)
		shown := spec.Marshal(s)
		fromYAML, err := spec.Decode("shown.yaml", shown)
		if err != nil {
			t.Fatalf("%v\n%s", err, shown)
		}
		text, err := json.Marshal(struct{ Spec spec.Spec }{*s})
		if err != nil {
			t.Fatal(err)
		}
		var fromJSON struct{ Spec spec.Spec }
		if err := json.Unmarshal(text, &fromJSON); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for from, got := range map[string]*spec.Spec{"YAML": fromYAML, "JSON": &fromJSON.Spec} {
			if !reflect.DeepEqual(got, s) || spec.FirstDifference(got, s) != "" {
				t.Fatalf("from %s: %s differs\n%s", from, spec.FirstDifference(got, s), shown)
			}
		}
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestEveryErrorOfManyIsReportedInTheOrderOfLines(t *testing.T) {
	t.Parallel()
	fields := leaves(schema(t).Schema(), "")
	delete(fields, "reward.components")  // a list is right, and its entry is not
	delete(fields, "optimizer.momentum") // document gives it the kind it needs
	delete(fields, "optimizer.schedule.floor")
	maps.DeleteFunc(fields, func(path string, _ *jsonschema.Schema) bool { return strings.HasPrefix(path, "reward.") }) // one kind at a time
	rapid.Check(t, func(t *rapid.T) {
		values := make(map[string]any)
		for _, path := range rapid.SliceOfNDistinct(rapid.SampledFrom(sorted(fields)), 1, 12, rapid.ID).Draw(t, "fields") {
			values[path] = []any{"a list is never right"}
		}
		text, err := json.MarshalIndent(document(values), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		_, err = spec.Decode("spec.yaml", text)
		var all spec.Errors
		if !errors.As(err, &all) {
			t.Fatalf("error is %v", err)
		}
		if !slices.IsSortedFunc(all, func(a, b *spec.Error) int { return a.Line - b.Line }) {
			t.Fatalf("not in order:\n%v", err)
		}
		lines := strings.Split(string(text), "\n")
		var named []string
		for _, e := range all {
			if values[e.Field] == nil {
				continue
			}
			name := e.Field[strings.LastIndexByte(e.Field, '.')+1:]
			if !strings.Contains(lines[e.Line-1], `"`+name+`"`) {
				t.Fatalf("%v, but line %d is %s", e, e.Line, lines[e.Line-1])
			}
			named = append(named, e.Field)
		}
		sort.Strings(named)
		if !slices.Equal(named, sorted(values)) {
			t.Fatalf("named %v, want %v:\n%v", named, sorted(values), err)
		}
	})
}

func TestOneTypingErrorIsFollowedByTheRightName(t *testing.T) {
	t.Parallel()
	fields := leaves(schema(t).Schema(), "")
	delete(fields, "optimizer.beta2") // beta is as near to beta1
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.SampledFrom(sorted(fields)).Draw(t, "path")
		start := strings.LastIndexByte(path, '.') + 1
		at := rapid.IntRange(start, len(path)-1).Draw(t, "at")
		wrong := rapid.SampledFrom([]string{
			path[:at] + path[at+1:], path[:at] + "zq" + path[at+1:], path[:at] + "q" + path[at:],
		}).Draw(t, "wrong")
		if len(path)-start < 4 {
			t.Skip("too short to be recognised")
		}
		if _, ok := fields[wrong]; ok {
			t.Skip("another field")
		}
		_, err := decode(t, document(map[string]any{wrong: 1}))
		want := wrong + ": unknown field; did you mean " + path + "?"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("got %v, want %q", err, want)
		}
	})
}
