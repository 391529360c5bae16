package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// errNoTree says that text is not what MarshalJSON writes.
var errNoTree = errors.New("no tree")

// jsonTree reads JSON as the tree that the same text is as YAML, which takes
// several times as long. It is for what MarshalJSON wrote, in one line; whatever
// it does not read is YAML's to judge.
func jsonTree(data []byte) (*yaml.Node, error) {
	tokens := json.NewDecoder(bytes.NewReader(data))
	tokens.UseNumber()
	root, err := jsonNode(tokens, 0)
	if err != nil {
		return nil, err
	}
	if _, err := tokens.Token(); !errors.Is(err, io.EOF) || root.Kind != yaml.MappingNode {
		return nil, errNoTree
	}
	return root, nil
}

// maxDepth is more than the sections of a spec are nested.
const maxDepth = 8

func jsonNode(tokens *json.Decoder, depth int) (*yaml.Node, error) {
	token, err := tokens.Token()
	if err != nil {
		return nil, err
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: 1}
	switch value := token.(type) {
	case string:
		n.Tag, n.Value, n.Style = "!!str", value, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!int", value.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case json.Delim:
		if depth == maxDepth {
			return nil, errNoTree
		}
		n.Kind = yaml.SequenceNode
		if value == '{' {
			n.Kind = yaml.MappingNode
		}
		for tokens.More() { // of a mapping keys and values in turn
			sub, err := jsonNode(tokens, depth+1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, sub)
		}
		_, err = tokens.Token()
		return n, err
	default: // a spec has neither null nor true
		return nil, errNoTree
	}
	return n, nil
}
