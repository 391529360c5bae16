package docs_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/telemetry"
)

func formats(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("formats.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFormatsNamesEveryFormatOfTheCodeAndNoOther(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`cohort\.[a-z.]+/[0-9]+`)
	code, documented := map[string]bool{}, map[string]bool{}
	for _, file := range sources(t) {
		ast.Inspect(parse(t, file), func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				for _, format := range name.FindAllString(literal.Value, -1) {
					code[format] = true
				}
			}
			return true
		})
	}
	for _, format := range name.FindAllString(formats(t), -1) {
		documented[format] = true
	}
	if got, want := slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(code)); !slices.Equal(got, want) {
		t.Errorf("formats.md names %q, the code %q", got, want)
	}
}

// A table of fields has the name of its type above it, such as **`job.Plan`**.
func TestFormatsListsTheFieldsOfEveryStoredType(t *testing.T) {
	t.Parallel()
	listed := map[string][]string{}
	current := ""
	for line := range strings.Lines(formats(t)) {
		if m := regexp.MustCompile("^\\*\\*`([a-z/]+\\.[A-Za-z]+)`\\*\\*").FindStringSubmatch(line); m != nil {
			current = m[1]
			listed[current] = nil
		} else if m := regexp.MustCompile("^\\| `([a-z_]+)` \\|").FindStringSubmatch(line); m != nil && current != "" {
			listed[current] = append(listed[current], m[1])
		} else if strings.HasPrefix(line, "#") {
			current = ""
		}
	}
	types := map[string]*ast.StructType{}
	for _, file := range sources(t) {
		folder, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parse(t, file), func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok && len(fieldsOf(s)) > 0 {
					types[filepath.ToSlash(folder)+"."+spec.Name.Name] = s
				}
			}
			return true
		})
	}
	for name, fields := range listed {
		if s := types[name]; s == nil {
			t.Errorf("formats.md has a table of %s, which the code has not", name)
		} else if want := fieldsOf(s); !slices.Equal(fields, want) {
			t.Errorf("formats.md says that %s has the fields %q, it has %q", name, fields, want)
		}
	}
	for name := range types {
		folder, _, _ := strings.Cut(name, ".")
		_, ok := listed[name]
		if !ok && slices.Contains(stored(), folder) && name != "job.EvaluationRecord" { // that is job.Evaluation with a format
			t.Errorf("formats.md has no table of %s", name)
		}
	}
}

// stored are the packages whose types with tags are all stored or sent.
func stored() []string {
	return []string{"batch", "checkpoint", "coordinator", "deletion", "deployment", "job", "queue", "submission"}
}

// fieldsOf are the names of a struct's fields in JSON or Parquet, in order.
func fieldsOf(s *ast.StructType) []string {
	var names []string
	for _, field := range s.Fields.List {
		if field.Tag == nil {
			continue
		}
		text, err := strconv.Unquote(field.Tag.Value)
		if err != nil {
			continue
		}
		tag := reflect.StructTag(text)
		for _, key := range []string{"json", "parquet"} {
			if name, _, _ := strings.Cut(tag.Get(key), ","); name != "" && name != "-" {
				names = append(names, name)
			}
		}
	}
	return names
}

// The listings of life-of-a-job.md abbreviate numbers to …1 and hashes to 8
// digits.
func TestLifeOfAJobListsKeysOfTheLayout(t *testing.T) {
	t.Parallel()
	var layout []*regexp.Regexp
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]*)` \\|.*\\|.*\\|.*\\|$").FindAllStringSubmatch(formats(t), -1) {
		pattern := regexp.QuoteMeta(m[1])
		for place, value := range map[string]string{
			`<job>`: `[a-z0-9-]+`, `<phase>`: `(rollout|collect|extract|assemble|update\.…[0-9]\.…[0-9])`,
			`<sha256>`: `[0-9a-f]{8}`, `<sha256 of the key>`: `[0-9a-f]{8}`, `<manifest>`: `[0-9a-f]{8}`,
			`<n>`: `…[0-9]`, `<g>`: `…[0-9]`, `<e>`: `…[0-9]`, `<step>`: `…[0-9]`, `<round>`: `…[0-9]`, `<shard>`: `…[0-9]`, `<epoch>`: `…[0-9]`, `<minibatch>`: `…[0-9]`,
		} {
			pattern = strings.ReplaceAll(pattern, place, value)
		}
		layout = append(layout, regexp.MustCompile("^"+pattern+"$"))
	}
	text, err := os.ReadFile("life-of-a-job.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for line := range strings.Lines(string(text)) {
		key, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !regexp.MustCompile(`^(submissions|active|jobs)/`).MatchString(key) {
			continue
		}
		listed++
		if !slices.ContainsFunc(layout, func(r *regexp.Regexp) bool { return r.MatchString(key) }) {
			t.Errorf("life-of-a-job.md lists %s, which the layout of formats.md does not have", key)
		}
	}
	if listed < 30 {
		t.Errorf("only %d keys were found", listed)
	}
}

func TestExamplesOfFormatsAreWhole(t *testing.T) {
	t.Parallel()
	text := formats(t)
	whole := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, `{"`) {
			continue
		}
		var head struct {
			Format string `json:"format"`
			Seal   string `json:"sha256"`
		}
		if err := json.Unmarshal([]byte(line), &head); err != nil {
			t.Errorf("%.60s: %v", line, err)
			continue
		}
		switch {
		case head.Seal != "":
			var rest map[string]any
			if err := sealed.Open([]byte(line), head.Format, &rest); err != nil {
				t.Errorf("%.60s: %v", line, err)
			}
			whole++
		case head.Format == checkpoint.ManifestFormat:
			m, err := checkpoint.Decode([]byte(line))
			if err != nil {
				t.Errorf("%.60s: %v", line, err)
			} else if id := fmt.Sprintf("checkpoint `%.8s…`", m.Digest()); !strings.Contains(text, id) {
				t.Errorf("formats.md does not call its manifest %s", id)
			}
			whole++
		}
	}
	if whole < 5 {
		t.Errorf("only %d examples were checked", whole)
	}
}

func TestFrameOfFormatsDecodes(t *testing.T) {
	t.Parallel()
	var frame []byte
	for _, m := range regexp.MustCompile(`(?m)^[0-9a-f]{8}  ((?:[0-9a-f]{2} +)+)\|`).FindAllStringSubmatch(formats(t), -1) {
		row, err := hex.DecodeString(strings.ReplaceAll(m[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		frame = append(frame, row...)
	}
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Fatal(err)
	}
	event, err := codec.Decode(frame)
	if err != nil {
		t.Fatal(err)
	}
	if marker, ok := event.Body.(telemetry.Marker); !ok || !strings.Contains(formats(t), `"offset":0,"nonce":"`+marker.Nonce) {
		t.Errorf("the frame holds %+v, which is not the marker of the examples", event.Body)
	}
}

// sources are the Go files that are no tests.
func sources(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		switch {
		case entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata"):
			return fs.SkipDir
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
