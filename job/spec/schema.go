package spec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema returns the JSON Schema (draft 2020-12) of a spec, with which editors
// complete and check it. It says all that [Decode] says of single fields, but
// for the bounds of durations and of sizes with units, which are in the
// descriptions, and the rules between fields of different sections.
func Schema() ([]byte, error) {
	root := sectionSchema(table())
	root.AllOf = append(root.AllOf, online(table()))
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "Cohort job spec (" + Version + ")"
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(text, '\n'), nil
}

func sectionSchema(fields []*field) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type:                 "object",
		Properties:           map[string]*jsonschema.Schema{},
		AdditionalProperties: never(),
	}
	for _, f := range fields {
		s.Properties[f.name] = f.schema()
		s.PropertyOrder = append(s.PropertyOrder, f.name)
		if f.required || f.kind == section && !f.pointer && hasRequired(f.fields) {
			s.Required = append(s.Required, f.name)
		}
		if f.when.sibling != "" {
			s.AllOf = append(s.AllOf, f.conditionSchema(fields))
		}
	}
	return s
}

// online says what a job needs unless it is offline: the fields that are marked so.
func online(fields []*field) *jsonschema.Schema {
	offline := &jsonschema.Schema{
		Required:   []string{"traces"},
		Properties: map[string]*jsonschema.Schema{"traces": {Type: "object", Required: []string{"offline"}}},
	}
	needs := &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{}}
	for _, f := range fields {
		var names []string
		for _, sub := range f.fields {
			if sub.online {
				names = append(names, sub.name)
			}
		}
		if len(names) > 0 {
			needs.Required = append(needs.Required, f.name)
			needs.Properties[f.name] = &jsonschema.Schema{Required: names}
		}
	}
	return &jsonschema.Schema{If: offline, Then: &jsonschema.Schema{}, Else: needs}
}

func hasRequired(fields []*field) bool {
	return slices.ContainsFunc(fields, func(f *field) bool { return f.required })
}

// never is the schema that nothing fulfils.
func never() *jsonschema.Schema { return &jsonschema.Schema{Not: &jsonschema.Schema{}} }

// conditionSchema forbids f where its sibling has none of the values it needs.
// A sibling that is left out has its default.
func (f *field) conditionSchema(siblings []*field) *jsonschema.Schema {
	other := &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{
		f.when.sibling: {Not: &jsonschema.Schema{Enum: anys(f.when.values)}},
	}}
	i := slices.IndexFunc(siblings, func(f2 *field) bool { return f2.name == f.when.sibling })
	if slices.Contains(f.when.values, siblings[i].standard) {
		other.Required = []string{f.when.sibling}
	}
	return &jsonschema.Schema{
		If:   other,
		Then: &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{f.name: never()}},
	}
}

// schema describes the value of f.
func (f *field) schema() *jsonschema.Schema {
	s := &jsonschema.Schema{}
	switch f.kind {
	case section:
		s = sectionSchema(f.fields)
	case list:
		s.Type = "array"
		s.Items = sectionSchema(f.fields)
		s.MinItems, s.MaxItems = new(int(f.low.value)), new(int(f.high.value))
	case whole:
		s.Type = "integer"
		f.bound(s)
	case number:
		s.Type = "number"
		f.bound(s)
	case text:
		s.Type = "string"
		if f.pattern != nil {
			s.Pattern = f.pattern.String()
		}
		if f.enum != nil {
			s.Enum = anys(f.enum)
		}
		if f.low.written != "" {
			s.MinLength = new(int(f.low.value))
		}
		if f.high.written != "" {
			s.MaxLength = new(int(f.high.value))
		}
	case duration:
		s.Type = "string"
		s.Pattern = durationPattern
	case size:
		bytes := &jsonschema.Schema{Type: "integer"}
		f.bound(bytes)
		s.AnyOf = []*jsonschema.Schema{bytes, {Type: "string", Pattern: sizePattern}}
	}
	s.Description = f.description()
	if f.standard != "" {
		s.Default = f.standardJSON()
	}
	return s
}

// bound puts the bounds of f into s.
func (f *field) bound(s *jsonschema.Schema) {
	if low := &f.low.value; f.low.exclusive {
		s.ExclusiveMinimum = low
	} else if f.low.written != "" {
		s.Minimum = low
	}
	if high := &f.high.value; f.high.exclusive {
		s.ExclusiveMaximum = high
	} else if f.high.written != "" {
		s.Maximum = high
	}
}

// description is the documentation of f, with what the other keywords do not say.
func (f *field) description() string {
	parts := []string{f.doc}
	if f.form != "" || f.kind == duration || f.kind == size {
		parts = append(parts, f.allowed())
	}
	if f.when.sibling != "" {
		parts = append(parts, "only with "+f.when.sibling+" "+listed(f.when.values, "or"))
	}
	if f.unset != "" {
		parts = append(parts, "left out: "+f.unset)
	}
	return strings.Join(parts, "; ")
}

// standardJSON returns the default as JSON, as it would be written.
func (f *field) standardJSON() json.RawMessage {
	if f.kind == whole || f.kind == number {
		return json.RawMessage(f.standard)
	}
	quoted, err := json.Marshal(f.standard)
	if err != nil { // no string fails
		return nil
	}
	return quoted
}

func anys(words []string) []any {
	list := make([]any, len(words))
	for i, w := range words {
		list[i] = w
	}
	return list
}
