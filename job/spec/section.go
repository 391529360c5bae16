package spec

import (
	"reflect"

	"go.yaml.in/yaml/v3"
)

// section decodes the mapping n into the struct v, whose fields are described
// by fields and which is itself the field of.
func (d *decoder) section(n *yaml.Node, fields []*field, of *field, v reflect.Value) {
	given := d.given(n, fields, of)
	for _, f := range fields {
		value := given[f.name]
		exists := f.when.sibling == "" || d.bad[siblingPath(f)] || f.when.holds(fields, v)
		switch {
		case value != nil && !exists:
			d.add(d.lines[f.path], f.path, "exists only with %s %s", siblingPath(f), listed(f.when.values, "or"))
		case value != nil && f.kind == section:
			d.sub(value, f, v.Field(f.index))
		case value != nil && f.kind == list:
			d.list(value, f, v.Field(f.index))
		case value != nil:
			d.scalar(value, f, v.Field(f.index))
		case f.required, f.online && !d.offline:
			d.add(d.lineOf(f.path), f.path, "missing (allowed: %s)", f.allowed())
		case f.kind == section && !f.pointer:
			d.absentSection(f, v.Field(f.index))
		case f.standard != "" && exists:
			f.set(v.Field(f.index), f.parseText(f.standard))
		}
	}
}

func siblingPath(f *field) string {
	return f.path[:len(f.path)-len(f.name)] + f.when.sibling
}

// given indexes the fields that n has by name, and reports those that fields
// does not know and those that come twice.
func (d *decoder) given(n *yaml.Node, fields []*field, of *field) map[string]*yaml.Node {
	known := make(map[string]bool, len(fields))
	for _, f := range fields {
		known[f.name] = true
	}
	prefix := of.path
	if prefix != "" {
		prefix += "."
	}
	seen := make(map[string]int)
	values := make(map[string]*yaml.Node)
	for i := 0; i+1 < len(n.Content) && len(d.errors) < maxErrors; i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			d.add(key.Line, of.path, "expected the name of a field, found %s", found(key))
			continue
		}
		path := prefix + clip(key.Value)
		switch line, twice := seen[key.Value]; {
		case twice:
			d.add(key.Line, path, "given twice; first in line %d", line)
		case !known[key.Value]:
			d.add(key.Line, path, "unknown field; %s", suggest(key.Value, fields, prefix))
		default:
			d.lines[path] = key.Line
			values[key.Value] = value
		}
		seen[key.Value] = key.Line
	}
	return values
}

// sub decodes the section f from n.
func (d *decoder) sub(n *yaml.Node, f *field, v reflect.Value) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		d.add(d.lines[f.path], f.path, "has no fields; give some of %s, or leave the line out", listed(names(f.fields), "and"))
		return
	}
	if n.Kind != yaml.MappingNode {
		d.add(d.lines[f.path], f.path, "expected a section (%s), found %s", listed(names(f.fields), "and"), found(n))
		return
	}
	if f.pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	d.section(n, f.fields, f, v)
}

// list decodes the sections of the list f from n. Errors in them are named by the
// path without a number, and by their lines.
func (d *decoder) list(n *yaml.Node, f *field, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.add(d.lines[f.path], f.path, "expected a list of sections (%s), found %s", listed(names(f.fields), "and"), found(n))
		return
	}
	if !f.admits(float64(len(n.Content))) {
		d.add(d.lines[f.path], f.path, "the list has %d entries (allowed: %s)", len(n.Content), f.allowed())
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, entry := range n.Content {
		if entry.Kind != yaml.MappingNode {
			d.add(entry.Line, f.path, "expected a section (%s), found %s", listed(names(f.fields), "and"), found(entry))
			continue
		}
		d.section(entry, f.fields, f, v.Index(i))
	}
}

// absentSection fills section f, which is not given, with its defaults.
func (d *decoder) absentSection(f *field, v reflect.Value) {
	var needs []string
	for _, sub := range f.fields {
		if sub.required || sub.online && !d.offline {
			needs = append(needs, sub.name)
		}
	}
	if len(needs) > 0 {
		d.add(d.lineOf(f.path), f.path, "missing section; it needs %s", listed(needs, "and"))
		return
	}
	d.section(&yaml.Node{Kind: yaml.MappingNode}, f.fields, f, v)
}

func names(fields []*field) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.name
	}
	return list
}
