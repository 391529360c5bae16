package docs_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestArchitectureMapsEveryFolder reads the map of ARCHITECTURE.md: folders and,
// indented below some, all that they hold.
func TestArchitectureMapsEveryFolder(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, tree, _ := strings.Cut(string(text), "```text\n")
	tree, _, _ = strings.Cut(tree, "```")
	mapped, opened := map[string]bool{}, map[string]bool{}
	parent := ""
	for line := range strings.Lines(tree) {
		names := regexp.MustCompile(`\s{2,}`).Split(strings.TrimSpace(line), 2)[0]
		for name := range strings.FieldsSeq(names) {
			folder := path.Clean(name)
			if strings.HasPrefix(line, " ") {
				folder = path.Join(parent, folder)
				opened[parent] = true
			} else {
				parent = folder
			}
			mapped[folder] = true
			if info, err := os.Stat(filepath.Join(root, folder)); err != nil || !info.IsDir() {
				t.Errorf("the map has %s, the repository has not", folder)
			}
		}
	}
	for _, file := range sources(t) {
		folder, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		folder = filepath.ToSlash(folder)
		top, _, nested := strings.Cut(folder, "/")
		if mapped[folder] || nested && (mapped[top] && !opened[top] || mapped[path.Dir(folder)] && !opened[path.Dir(folder)]) {
			continue
		}
		t.Errorf("the map lacks %s", folder)
	}
}
