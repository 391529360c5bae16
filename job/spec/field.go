package spec

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// kind is how a field is written.
type kind int

const (
	section  kind = iota // a mapping of further fields
	list                 // a sequence of sections
	whole                // a whole number
	number               // a finite number
	text                 // a string
	duration             // a Duration
	size                 // a Size
)

// field describes one field of the spec, as its tags say.
type field struct {
	name, path, doc string
	index           int // in the struct of its section
	kind            kind
	pointer         bool // nil when left out
	required        bool
	online          bool // needed, but in an offline job
	training        bool
	quiet           bool   // its default is not in the training digest
	standard        string // the default as it would be written; "" is none
	unset           string
	low, high       bound
	enum            []string
	pattern         *regexp.Regexp // nil if any text will do
	form            string         // the pattern in words
	when            condition
	fields          []*field // of a section or of the sections of a list, in order
}

// condition says that a field exists only beside some values of a sibling.
type condition struct {
	sibling string // name of a text field before it in the same section
	values  []string
}

// holds reports whether the condition is met in section v.
func (c condition) holds(siblings []*field, v reflect.Value) bool {
	if c.sibling == "" {
		return true
	}
	i := slices.IndexFunc(siblings, func(f *field) bool { return f.name == c.sibling })
	return slices.Contains(c.values, v.Field(siblings[i].index).String())
}

// table describes the fields of a Spec in the order of the struct. Nobody
// changes what it returns.
var table = sync.OnceValue(func() []*field { return describe(reflect.TypeFor[Spec](), "", false) }) //nolint:gochecknoglobals // follows from the types alone

// describe reads the tags of t, whose path is prefix. A malformed tag is a
// mistake of this package and panics on every use of it.
func describe(t reflect.Type, prefix string, training bool) []*field {
	fields := make([]*field, t.NumField())
	for i := range fields {
		sf := t.Field(i)
		f := &field{
			name: sf.Tag.Get("json"), index: i,
			doc: sf.Tag.Get("doc"), standard: sf.Tag.Get("default"), unset: sf.Tag.Get("unset"),
			form:     sf.Tag.Get("form"),
			required: sf.Tag.Get("required") == "yes",
			online:   sf.Tag.Get("required") == "online",
			training: sf.Tag.Get("training") == "yes" || training && sf.Tag.Get("training") != "no",
			quiet:    sf.Tag.Get("training") == "unless default",
		}
		f.path = prefix + f.name
		if pattern := sf.Tag.Get("pattern"); pattern != "" {
			f.pattern = regexp.MustCompile(pattern)
		}
		if list := sf.Tag.Get("enum"); list != "" {
			f.enum = strings.Split(list, ",")
		}
		if sibling, values, ok := strings.Cut(sf.Tag.Get("when"), "="); ok {
			f.when = condition{sibling, strings.Split(values, ",")}
		}
		typ := sf.Type
		if f.pointer = typ.Kind() == reflect.Pointer; f.pointer {
			typ = typ.Elem()
		}
		f.kind = kindOf(typ)
		switch f.kind {
		case section:
			f.fields = describe(typ, f.path+".", f.training)
		case list:
			f.fields = describe(typ.Elem(), f.path+".", f.training)
		case whole, number, text, duration, size:
		}
		f.low = newBound(f.kind, sf.Tag.Get("min"), sf.Tag.Get("above"))
		f.high = newBound(f.kind, sf.Tag.Get("max"), sf.Tag.Get("below"))
		fields[i] = f
	}
	return fields
}

func kindOf(t reflect.Type) kind {
	switch t {
	case reflect.TypeFor[int](), reflect.TypeFor[uint64]():
		return whole
	case reflect.TypeFor[float64]():
		return number
	case reflect.TypeFor[string]():
		return text
	case reflect.TypeFor[Duration]():
		return duration
	case reflect.TypeFor[Size]():
		return size
	}
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct {
		return list
	}
	if t.Kind() != reflect.Struct {
		panic("spec: no field can be of type " + t.String())
	}
	return section
}

// isStandard reports whether v is the default of f.
func (f *field) isStandard(v reflect.Value) bool {
	standard := reflect.New(v.Type()).Elem()
	f.set(standard, f.parseText(f.standard))
	return v.Equal(standard)
}

// absent reports whether f of the section parent is left out when written: it has
// no default and is not set, or it does not exist beside its siblings.
func (f *field) absent(siblings []*field, parent reflect.Value) bool {
	v := parent.Field(f.index)
	if f.pointer {
		return v.IsNil()
	}
	if f.kind == section || !v.IsZero() {
		return false
	}
	return !f.when.holds(siblings, parent) || f.standard == "" && !f.required
}
