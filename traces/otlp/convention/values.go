package convention

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// structure is a value as it is or, if it is a text that is a JSON object or
// list, what that says.
func structure(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	trimmed := strings.TrimSpace(s)
	if trimmed == "" || (trimmed[0] != '{' && trimmed[0] != '[') {
		return v
	}
	d := json.NewDecoder(strings.NewReader(trimmed))
	d.UseNumber()
	var parsed any
	if err := d.Decode(&parsed); err != nil || d.InputOffset() < int64(len(trimmed)) {
		return v
	}
	return parsed
}

// text is a value as text: a structure as JSON, bytes as text or in base64.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		if utf8.Valid(v) {
			return string(v)
		}
		return base64.StdEncoding.EncodeToString(v)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(finite(v)); err != nil {
		return ""
	}
	return strings.TrimRight(out.String(), "\n")
}

// finite is a structure without the numbers that JSON lacks: they become text.
func finite(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = finite(v[i])
		}
		return list
	case map[string]any:
		fields := make(map[string]any, len(v))
		for k := range v {
			fields[k] = finite(v[k])
		}
		return fields
	}
	return v
}

// number is a value as a number, which a text may spell.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// count is a value as a whole number that is not negative.
func count(v any) (int64, bool) {
	f, ok := number(v)
	if !ok || f < 0 || f != math.Trunc(f) || f >= 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// first is the first of these members that is there.
func first(v map[string]any, names ...string) any {
	for _, name := range names {
		if v[name] != nil {
			return v[name]
		}
	}
	return nil
}

// at follows names, and "0" for the first of a list, into a structure.
func at(v any, path ...string) any {
	for _, name := range path {
		switch tree := structure(v).(type) {
		case map[string]any:
			v = tree[name]
		case []any:
			if name != "0" || len(tree) == 0 {
				return nil
			}
			v = tree[0]
		default:
			return nil
		}
	}
	return v
}

// anyAt is what the first of these paths leads to.
func anyAt(v any, paths ...string) any {
	for _, path := range paths {
		if found := at(v, strings.Split(path, ".")...); found != nil {
			return found
		}
	}
	return nil
}

// Canonical is a text that is JSON in one form, whichever it had; others stay
// as they are.
func Canonical(s string) string { return text(structure(s)) }
