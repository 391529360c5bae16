package spec

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// LineOf is the line of a field in a spec's file, of the entry of a list around
// it, counted from 0; if the field is not given, that of the section around it,
// and 0 if the file cannot be read.
func LineOf(data []byte, field string, entry int) int {
	var doc yaml.Node
	if yaml.Unmarshal(data, &doc) != nil || len(doc.Content) == 0 {
		return 0
	}
	at := doc.Content[0]
	line := at.Line
	for name := range strings.SplitSeq(field, ".") {
		if at.Kind == yaml.SequenceNode {
			if entry < 0 || entry >= len(at.Content) {
				return line
			}
			at = at.Content[entry]
			line = at.Line
		}
		value := member(at, name)
		if value == nil {
			return line
		}
		at, line = value, value.Line
	}
	return line
}

// member is the value of a field of a mapping, or nil.
func member(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}
