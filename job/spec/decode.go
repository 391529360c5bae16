package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the size of the largest spec that is read.
const MaxBytes = 1 << 20

// decoder is the state of one Decode.
type decoder struct {
	file   string
	errors Errors
	lines  map[string]int  // path -> line of the fields that are given; "" is the whole
	bad    map[string]bool // paths that have an error
	// offline says that traces.offline is given.
	offline bool
}

// Decode reads a job spec in YAML (of which JSON is a part). It is strict: a
// field that does not exist, a value out of its bounds, settings that
// contradict each other are errors of type [Errors], all of them at once, each
// with its line in file, which is only a name for messages. Aliases, duplicate
// fields, several documents and more than [MaxBytes] are refused.
func Decode(file string, data []byte) (*Spec, error) {
	d := newDecoder(file)
	root := d.parse(data)
	if root == nil {
		return nil, d.err()
	}
	return d.spec(root)
}

func newDecoder(file string) *decoder {
	return &decoder{file: file, lines: map[string]int{}, bad: map[string]bool{}}
}

// spec decodes the mapping that a spec is.
func (d *decoder) spec(root *yaml.Node) (*Spec, error) {
	s := new(Spec)
	d.lines[""] = root.Line
	if traces := member(root, "traces"); traces != nil {
		d.offline = member(traces, "offline") != nil
	}
	d.section(root, table(), &field{}, reflect.ValueOf(s).Elem())
	s.derive()
	d.rules(s)
	if err := d.err(); err != nil {
		return nil, err
	}
	return s, nil
}

// parse returns the mapping of the only document in data, or nil and an error.
func (d *decoder) parse(data []byte) *yaml.Node {
	if len(data) > MaxBytes {
		d.add(0, "", "the spec has %d bytes (allowed: at most %d)", len(data), MaxBytes)
		return nil
	}
	var doc, next yaml.Node
	yamls := yaml.NewDecoder(bytes.NewReader(data))
	switch err := yamls.Decode(&doc); {
	case errors.Is(err, io.EOF):
		d.add(1, "", "the spec is empty")
		return nil
	case err != nil:
		line, message := syntaxError(err)
		d.add(line, "", "%s", message)
		return nil
	}
	if err := yamls.Decode(&next); !errors.Is(err, io.EOF) {
		d.add(max(next.Line, 1), "", "the file has more than one document: a spec is one")
		return nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		d.add(root.Line, "", "expected the fields of a spec, found %s", found(root))
		return nil
	}
	return root
}

// syntaxError takes the line out of what the YAML library says.
func syntaxError(err error) (line int, message string) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		if digits, after, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(digits); err == nil {
				return n, "not valid YAML: " + after
			}
		}
	}
	return 1, "not valid YAML: " + message
}

// UnmarshalJSON reads what MarshalJSON wrote, as strictly as [Decode].
func (s *Spec) UnmarshalJSON(data []byte) error {
	root, err := jsonTree(data)
	var read *Spec
	if err == nil && len(data) <= MaxBytes {
		read, err = newDecoder("spec").spec(root)
	} else {
		read, err = Decode("spec", data)
	}
	if err != nil {
		return err
	}
	*s = *read
	return nil
}

// Validate checks a spec that was changed after it was decoded. Derived
// settings (agent.health, eval.data ...) are not derived anew.
func (s *Spec) Validate() error {
	data, err := s.MarshalJSON()
	if err != nil {
		return fmt.Errorf("validate spec: %w", err)
	}
	return new(Spec).UnmarshalJSON(data)
}
