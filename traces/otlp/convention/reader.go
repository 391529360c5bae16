package convention

import (
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/traces/otlp"
)

// A Reader reads spans by all conventions. It is safe for concurrent use and
// changes nothing that it is given.
type Reader struct {
	marks  []Mark
	rows   map[Field][]Row
	events map[string]EventRow
}

// NewReader makes a reader of these conventions, which are asked in their order.
func NewReader(conventions []Convention) *Reader {
	r := &Reader{rows: map[Field][]Row{}, events: map[string]EventRow{}}
	for _, c := range conventions {
		r.marks = append(r.marks, c.Marks...)
		for _, row := range c.Rows {
			r.rows[row.Field] = append(r.rows[row.Field], row)
		}
		for _, e := range c.Events {
			r.events[e.Event] = e
		}
	}
	return r
}

// Attributes are the names under which conventions keep a field, in order.
func Attributes(conventions []Convention, field Field) []string {
	var names []string
	for _, c := range conventions {
		for _, row := range c.Rows {
			if row.Field == field {
				names = append(names, row.Attribute)
			}
		}
	}
	return names
}

// Identify returns what the first of these attributes says that the span or its
// resource has, and which it was. A name with + is several, all of which must be
// there.
func Identify(span otlp.Span, names []string) (id, attribute string) {
	for _, name := range names {
		parts := strings.Split(name, "+")
		values := make([]string, 0, len(parts))
		for _, part := range parts {
			v := text(lookup(span.Attributes, part))
			if v == "" && span.Origin != nil {
				v = text(lookup(span.Origin.Resource, part))
			}
			if v != "" {
				values = append(values, v)
			}
		}
		if len(values) == len(parts) {
			return strings.Join(values, "/"), name
		}
	}
	return "", ""
}

// lookup finds an attribute, or the member that a dotted name means of one that
// is a structure.
func lookup(attributes otlp.Attributes, name string) any {
	if v, ok := attributes[name]; ok {
		return v
	}
	for dot := strings.LastIndexByte(name, '.'); dot > 0; dot = strings.LastIndexByte(name[:dot], '.') {
		if v, ok := attributes[name[:dot]]; ok {
			if tree, ok := structure(v).(map[string]any); ok {
				return at(tree, strings.Split(name[dot+1:], ".")...)
			}
		}
	}
	return nil
}

// kind is what the marks say. A span that names a model and what went through
// it, and that no mark knows, is a model call.
func (r *Reader) kind(a otlp.Attributes) Kind {
	for _, m := range r.marks {
		v, ok := a[m.Attribute]
		if !ok {
			continue
		}
		word := strings.ToLower(strings.Trim(text(v), `"`))
		if word == "" {
			continue
		}
		if len(m.Values) == 0 {
			return m.Kind
		}
		if slices.Contains(m.Values, word) {
			return m.Kind
		}
	}
	if r.find(a, ModelName, Model) != nil {
		for _, f := range []Field{Input, Output, InputTokens, OutputTokens, Finish} {
			if r.find(a, f, Model) != nil {
				return Model
			}
		}
	}
	return Step
}

// find is the value of a field in a span of a kind: of the first row that has
// one.
func (r *Reader) find(a otlp.Attributes, field Field, kind Kind) any {
	for _, row := range r.rows[field] {
		if v := row.read(a, kind); v != nil {
			return v
		}
	}
	return nil
}

// read is what a row finds, or nil.
func (row Row) read(a otlp.Attributes, kind Kind) any {
	if row.Of != Step && row.Of != kind {
		return nil
	}
	if row.Form == Spelled {
		return a.Under(row.Attribute)
	}
	v := lookup(a, row.Attribute)
	if row.Form == Structure {
		v = structure(v)
	} else if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	if v == "" {
		return nil
	}
	return v
}

func (r *Reader) text(a otlp.Attributes, field Field, kind Kind) string {
	return text(r.find(a, field, kind))
}
