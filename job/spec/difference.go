package spec

import "reflect"

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
