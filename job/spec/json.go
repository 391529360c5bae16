package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
)

// MarshalJSON returns the canonical JSON of s: every field that has a value,
// defaults included, in the order of the format, without spaces. Sizes are
// numbers of bytes, durations text. Equal specs have equal bytes.
func (s Spec) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	if err := writeJSON(&b, table(), reflect.ValueOf(s), false); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// writeJSON writes the fields of section v, or those marked training alone.
func writeJSON(b *bytes.Buffer, fields []*field, v reflect.Value, training bool) error {
	b.WriteByte('{')
	first := true
	for _, f := range fields {
		if f.absent(fields, v) || training && (!f.trains() || f.quiet && f.isStandard(v.Field(f.index))) {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		fmt.Fprintf(b, "%q:", f.name)
		if err := f.writeJSON(b, v.Field(f.index), training); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func (f *field) writeJSON(b *bytes.Buffer, v reflect.Value, training bool) error {
	if f.pointer {
		v = v.Elem()
	}
	if f.kind == section {
		return writeJSON(b, f.fields, v, training)
	}
	if f.kind == list {
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, f.fields, v.Index(i), training); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	value := v.Interface()
	if d, ok := value.(Duration); ok {
		value = d.String()
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	b.Write(text)
	return nil
}

// trains reports whether f or a field in it is marked training.
func (f *field) trains() bool {
	for _, sub := range f.fields {
		if sub.trains() {
			return true
		}
	}
	return f.training
}
