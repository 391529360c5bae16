package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// commentColumn is where Marshal's comments start.
const commentColumn = 34

// bareForm is text that YAML reads as itself without quotes.
var bareForm = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*(://[A-Za-z0-9_./:-]*[A-Za-z0-9_/-])?$`)

// Marshal returns s as YAML that [Decode] reads as s, with every default shown
// and each field explained; what has no value is a comment.
func Marshal(s *Spec) []byte {
	var b bytes.Buffer
	writeYAML(&b, table(), reflect.ValueOf(s).Elem(), "")
	return b.Bytes()
}

func writeYAML(b *bytes.Buffer, fields []*field, v reflect.Value, indent string) {
	for _, f := range fields {
		switch {
		case f.absent(fields, v) && f.when.holds(fields, v):
			writeLine(b, indent+"# "+f.name+":", f.comment()+"; left out: "+f.unset)
		case f.absent(fields, v):
		case f.kind == section:
			writeLine(b, indent+f.name+":", f.doc)
			at := v.Field(f.index)
			if f.pointer {
				at = at.Elem()
			}
			writeYAML(b, f.fields, at, indent+"  ")
		case f.kind == list:
			writeLine(b, indent+f.name+":", f.comment())
			for i := range v.Field(f.index).Len() {
				var entry bytes.Buffer
				writeYAML(&entry, f.fields, v.Field(f.index).Index(i), indent+"    ")
				b.WriteString(indent + "  - " + entry.String()[len(indent)+len("  - "):])
			}
		default:
			writeLine(b, indent+f.name+": "+yamlScalar(v.Field(f.index)), f.comment())
		}
	}
}

func writeLine(b *bytes.Buffer, line, comment string) {
	fmt.Fprintf(b, "%-*s # %s\n", commentColumn-1, line, comment)
}

// comment explains f in one line.
func (f *field) comment() string {
	if allowed := f.allowed(); allowed != "" {
		return f.doc + " (" + allowed + ")"
	}
	return f.doc
}

// yamlScalar writes a value in the plainest form that reads back as itself.
func yamlScalar(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch value := v.Interface().(type) {
	case Duration:
		return value.String()
	case Size:
		return value.String()
	case float64:
		return strconv.FormatFloat(value, 'g', -1, 64)
	case string:
		return yamlText(value)
	default:
		return fmt.Sprint(value)
	}
}

// yamlText leaves words and paths bare and quotes everything else as JSON
// does, which YAML reads.
func yamlText(s string) string {
	bare := bareForm.MatchString(s)
	switch strings.ToLower(s) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		bare = false
	}
	if bare {
		return s
	}
	quoted, err := json.Marshal(s)
	if err != nil { // no string fails
		return strconv.Quote(s)
	}
	return string(quoted)
}
