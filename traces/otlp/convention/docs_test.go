package convention_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/traces/otlp/convention"
)

var update = flag.Bool("update", false, "write the tables into docs/otlp.md")

const (
	tablesBegin = "<!-- tables: written by go test ./traces/otlp/convention -update -->\n"
	tablesEnd   = "<!-- tables end -->\n"
)

// TestDocumentHasTheTables holds docs/otlp.md against the code.
func TestDocumentHasTheTables(t *testing.T) {
	t.Parallel()
	name := filepath.Join("..", "..", "..", "docs", "otlp.md")
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), tablesBegin)
	_, after, ended := strings.Cut(rest, tablesEnd)
	if !found || !ended {
		t.Fatalf("%s has no place for the tables", name)
	}
	want := before + tablesBegin + tables() + tablesEnd + after
	if want == string(page) {
		return
	}
	if !*update {
		t.Fatalf("%s has other tables than the code: go test ./traces/otlp/convention -update", name)
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tables are all conventions as the document shows them.
func tables() string {
	var text strings.Builder
	for _, c := range convention.All() {
		fmt.Fprintf(&text, "\n### %s\n\n", c.Name)
		if len(c.Marks) > 0 {
			fmt.Fprint(&text, "| attribute | value | makes the span a |\n|---|---|---|\n")
		}
		for _, m := range c.Marks {
			values := "any other"
			if len(m.Values) > 0 {
				values = strings.Join(m.Values, ", ")
			}
			fmt.Fprintf(&text, "| `%s` | %s | %s |\n", m.Attribute, values, m.Kind)
		}
		fmt.Fprint(&text, "\n| field | attribute | form |\n|---|---|---|\n")
		for _, r := range c.Rows {
			form := r.Form.String()
			if r.Of != convention.Step {
				form += ", of a " + r.Of.String()
			}
			fmt.Fprintf(&text, "| %s | `%s` | %s |\n", r.Field, r.Attribute, form)
		}
		if len(c.Events) > 0 {
			fmt.Fprint(&text, "\n| event or log record | says | whose |\n|---|---|---|\n")
		}
		for _, e := range c.Events {
			says := e.Field.String()
			if e.Field == convention.Response {
				says = "what else is in attributes of the span"
			}
			fmt.Fprintf(&text, "| `%s` | %s | %s |\n", e.Event, says, e.Role)
		}
	}
	text.WriteByte('\n')
	return text.String()
}
