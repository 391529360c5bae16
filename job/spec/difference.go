package spec

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
)

// FirstDifference returns the path of the first field, in the order of the
// format, in which a and b differ, or "" if they are equal.
func FirstDifference(a, b *Spec) string {
	return firstDifference(table(), reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem())
}

func firstDifference(fields []*field, a, b reflect.Value) string {
	for _, f := range fields {
		x, y := a.Field(f.index), b.Field(f.index)
		if f.pointer {
			if x.IsNil() && y.IsNil() {
				continue
			}
			if x.IsNil() != y.IsNil() {
				return f.path
			}
			x, y = x.Elem(), y.Elem()
		}
		if f.kind == section {
			if path := firstDifference(f.fields, x, y); path != "" {
				return path
			}
			continue
		}
		if f.kind == list {
			if x.Len() != y.Len() {
				return f.path
			}
			for i := range x.Len() {
				if path := firstDifference(f.fields, x.Index(i), y.Index(i)); path != "" {
					return path
				}
			}
			continue
		}
		if !x.Equal(y) {
			return f.path
		}
	}
	return ""
}

// A Difference is a field in which two specs differ, as JSON; a value that one
// of them does not have is empty.
type Difference struct {
	Path string          `json:"path"`
	A    json.RawMessage `json:"a,omitempty"`
	B    json.RawMessage `json:"b,omitempty"`
}

// Differences lists the fields in which a and b differ, in the order of paths.
// A list is one field.
func Differences(a, b *Spec) ([]Difference, error) {
	x, y := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for _, s := range []struct {
		of *Spec
		to map[string]json.RawMessage
	}{{a, x}, {b, y}} {
		body, err := json.Marshal(s.of)
		if err != nil {
			return nil, err
		}
		flatten(s.to, "", body)
	}
	var paths []string
	for path := range x {
		paths = append(paths, path)
	}
	for path := range y {
		if _, both := x[path]; !both {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	var all []Difference
	for _, path := range paths {
		if !bytes.Equal(x[path], y[path]) {
			all = append(all, Difference{path, x[path], y[path]})
		}
	}
	return all, nil
}

// flatten puts the fields of a JSON object into to, by their paths.
func flatten(to map[string]json.RawMessage, path string, body json.RawMessage) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields == nil {
		to[path] = body
		return
	}
	for name, value := range fields {
		if path != "" {
			name = path + "." + name
		}
		flatten(to, name, value)
	}
}
