package redact

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Document returns what encoding/json makes of a value, without the secrets in
// it: the mark stands for whatever lies under the name of a key, and texts are as
// [Redactor.Text] returns them. Its errors are those of encoding/json.
func (r Redactor) Document(value any) (json.RawMessage, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber() // they keep their digits
	var tree any
	if err := numbers.Decode(&tree); err != nil {
		return nil, err
	}
	return json.Marshal(r.tree(tree, r.keys()))
}

// tree redacts in place what it can.
func (r Redactor) tree(node any, keys [][]string) any {
	switch n := node.(type) {
	case string:
		return r.Text(n)
	case []any:
		for i := range n {
			n[i] = r.tree(n[i], keys)
		}
	case map[string]any:
		for name, value := range n {
			if isKey(name, keys) {
				n[name] = Mark
			} else {
				n[name] = r.tree(value, keys)
			}
		}
	}
	return node
}

// Holds reports whether [Redactor.Document] would take something out of a JSON
// text. In an operation of a JSON Patch (RFC 6902) the value's name may be in the
// path. What is no JSON is a text, as for [Redactor.Text].
func (r Redactor) Holds(text []byte) bool {
	if plain := string(text); r.Text(plain) != plain { // members given twice, too
		return true
	}
	var tree any
	return json.Unmarshal(text, &tree) == nil && r.holds(tree, r.keys())
}

func (r Redactor) holds(node any, keys [][]string) bool {
	switch n := node.(type) {
	case string:
		return r.Text(n) != n
	case []any:
		return slices.ContainsFunc(n, func(inner any) bool { return r.holds(inner, keys) })
	case map[string]any:
		if value, ok := n["value"]; ok && value != Mark && isPathOfKey(n["path"], keys) {
			return true
		}
		for name, value := range n {
			if isKey(name, keys) && value != Mark || r.holds(value, keys) {
				return true
			}
		}
	}
	return false
}

// isPathOfKey says whether a JSON Pointer (RFC 6901) passes the name of a key.
func isPathOfKey(path any, keys [][]string) bool {
	pointer, _ := path.(string)
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	return slices.ContainsFunc(strings.Split(pointer, "/"), func(name string) bool { return isKey(unescape.Replace(name), keys) })
}
