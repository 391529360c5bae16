package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGuaranteesNameTestsThatExist reads the table of guarantees.md: a row has
// tests that are there, or says what is open.
func TestGuaranteesNameTestsThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 2 || !regexp.MustCompile(`^ [A-Z]\d+ $`).MatchString(cells[1]) {
			continue
		}
		rows++
		if err := checkRow(cells); err != nil {
			t.Errorf("row%s: %v", cells[1], err)
		}
	}
	if rows == 0 {
		t.Error("the table has no rows")
	}
}

// checkRow takes a line's cells: nothing, id, guarantee, test, open, nothing.
func checkRow(cells []string) error {
	if len(cells) != 6 {
		return fmt.Errorf("%d columns instead of 4", len(cells)-2)
	}
	tests, open := strings.TrimSpace(cells[3]), strings.TrimSpace(cells[4])
	if tests == "" && open == "" {
		return fmt.Errorf("neither a test nor what is open")
	}
	for _, code := range regexp.MustCompile("`[^`]*`").FindAllString(tests, -1) {
		folder, names, ok := strings.Cut(strings.Trim(code, "`"), ": ")
		if !ok {
			return fmt.Errorf("%s is not `package: Test, Test`", code)
		}
		for name := range strings.SplitSeq(names, ", ") {
			if err := testExists(folder, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func testExists(folder, name string) error {
	files, err := filepath.Glob(filepath.Join(root, folder, "*_test.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return nil
		}
	}
	return fmt.Errorf("package %s has no test %s", folder, name)
}

func TestRowThatShowsNothingIsRefused(t *testing.T) {
	t.Parallel()
	for row, reason := range map[string]string{
		"| X1 | words | | |":                                        "neither",
		"| X1 | words | open |":                                     "columns",
		"| X1 | words | `docs: TestThatIsNotThere` | |":             "no test TestThatIsNotThere",
		"| X1 | words | `TestRowThatShowsNothingIsRefused` | |":     "is not",
		"| X1 | words | `docs: TestMain, TestAlsoMissing` | more |": "no test",
	} {
		if err := checkRow(strings.Split(row, "|")); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, want %q", row, err, reason)
		}
	}
	if err := checkRow(strings.Split("| X1 | words | `docs: TestRowThatShowsNothingIsRefused` | |", "|")); err != nil {
		t.Error(err)
	}
}
