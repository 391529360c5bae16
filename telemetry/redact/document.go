package redact

import (
	"bytes"
	"encoding/json"
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
