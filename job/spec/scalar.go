package spec

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

var decimalForm = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// scalar decodes n into v, the value of f, and checks its bounds.
func (d *decoder) scalar(n *yaml.Node, f *field, v reflect.Value) {
	line := d.lines[f.path]
	value, problem := f.parse(n)
	if problem == "" {
		problem = f.check(n.Value, value)
	}
	if problem != "" {
		d.add(line, f.path, "%s", problem)
		return
	}
	f.set(v, value)
}

// parse reads the value of f from n: a float64 for numbers, a uint64 for whole
// numbers from 0, else a string, Duration or Size. Otherwise it says what is wrong.
func (f *field) parse(n *yaml.Node) (value any, problem string) {
	tag := n.ShortTag()
	numeric := n.Kind == yaml.ScalarNode && (tag == "!!int" || tag == "!!float")
	textual := n.Kind == yaml.ScalarNode && tag == "!!str"
	switch {
	case n.Kind == yaml.ScalarNode && tag == "!!null":
		return nil, "has no value; give one, or leave the line out"
	case (f.kind == whole || f.kind == number || f.kind == size) && numeric:
		return f.parseNumber(n.Value)
	case f.kind == text && textual:
		return n.Value, ""
	case f.kind == duration && textual:
		d, err := parseDuration(clip(n.Value))
		if err != nil {
			return nil, fmt.Sprintf("%s (allowed: %s)", err, f.allowed())
		}
		return d, ""
	case f.kind == size && textual:
		s, err := parseSize(clip(n.Value))
		if err != nil {
			return nil, fmt.Sprintf("%s (allowed: %s)", err, f.allowed())
		}
		return s, ""
	}
	problem = fmt.Sprintf("expected %s, found %s", f.kind.words(), found(n))
	switch {
	case f.kind == text && n.Kind == yaml.ScalarNode && n.Style == 0:
		problem += "; put it in quotes if it is meant as text"
	case f.kind == duration && numeric:
		problem += "; add a unit, such as " + clip(n.Value) + "s"
	}
	return nil, problem
}

// parseNumber reads decimal digits only: no octal, hexadecimal or underscores,
// which YAML's versions and JSON read differently.
func (f *field) parseNumber(s string) (value any, problem string) {
	if strings.HasSuffix(strings.ToLower(s), ".inf") || strings.EqualFold(s, ".nan") {
		return nil, fmt.Sprintf("%s is not a finite number (allowed: %s)", s, f.allowed())
	}
	if !decimalForm.MatchString(s) {
		return nil, fmt.Sprintf("%s is not a plain decimal number", clip(s))
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, f.outOfBounds(s)
	}
	switch {
	case f.kind == number:
		return x + 0, "" // -0 + 0 is 0, so that equal numbers have equal digests
	case x != math.Trunc(x):
		return nil, fmt.Sprintf("expected %s, found %s", f.kind.words(), clip(s))
	case !f.admits(x) || x < 0:
		return nil, f.outOfBounds(s)
	case f.kind == size:
		return Size(x), ""
	}
	return uint64(x), ""
}

// check compares value, which was written as s, with what f allows.
func (f *field) check(s string, value any) (problem string) {
	switch v := value.(type) {
	case string:
		if f.enum != nil && !slices.Contains(f.enum, v) {
			return fmt.Sprintf("%q is not a choice (allowed: %s)", clip(s), f.allowed())
		}
		if !f.admits(float64(utf8.RuneCountInString(v))) {
			return fmt.Sprintf("%q has %d characters (allowed: %s)", clip(s), utf8.RuneCountInString(v), f.extent())
		}
		if f.pattern != nil && !f.pattern.MatchString(v) {
			return fmt.Sprintf("%q is not valid (allowed: %s)", clip(s), f.allowed())
		}
	case float64:
		if !f.admits(v) {
			return f.outOfBounds(s)
		}
	case Duration:
		if !f.admits(float64(v)) {
			return f.outOfBounds(s)
		}
	case Size:
		if !f.admits(float64(v)) {
			return f.outOfBounds(s)
		}
	}
	return ""
}

func (f *field) outOfBounds(s string) string {
	return fmt.Sprintf("%s is out of bounds (allowed: %s)", clip(s), f.allowed())
}

// parseText reads a default. That defaults parse and keep their bounds is tested.
func (f *field) parseText(s string) any {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: s}
	if f.kind == text {
		n.Tag = "!!str"
	}
	value, problem := f.parse(n)
	if problem != "" {
		panic("spec: default of " + f.path + ": " + problem)
	}
	return value
}

// set stores value, which parse made, in v.
func (f *field) set(v reflect.Value, value any) {
	if f.pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	v.Set(reflect.ValueOf(value).Convert(v.Type()))
}

// words names what is written for a field of kind k.
func (k kind) words() string {
	switch k {
	case whole:
		return "a whole number"
	case number:
		return "a number"
	case text:
		return "text"
	case duration:
		return "a duration such as 30s"
	case size:
		return "a size such as 16MiB"
	case list:
		return "a list"
	case section:
	}
	return "a section"
}

// found says what stands where something else was expected.
func found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias, which is not read; write the value out"
	case yaml.DocumentNode:
		return "a document"
	case yaml.ScalarNode:
	}
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + clip(n.Value)
	case "!!str":
		return fmt.Sprintf("the text %q", clip(n.Value))
	case "!!timestamp":
		return "the date " + clip(n.Value)
	case "!!merge":
		return "a merge key (<<)"
	default:
		return fmt.Sprintf("%s (%s)", clip(n.Value), strings.TrimPrefix(clip(tag), "!!"))
	}
}

// clip shortens text from outside for a message.
func clip(s string) string {
	const most = 80
	s = strings.ToValidUTF8(s, "\ufffd")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "..."
}
