package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Alerts look at metrics that there are, and operations.md explains each.
func TestOperationsExplainsEachAlert(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile("../deploy/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("operations.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(rules), -1)
	names := regexp.MustCompile(`\b(cohort_\w+)`).FindAllStringSubmatch(string(rules), -1)
	if len(alerts) == 0 || len(names) == 0 {
		t.Fatal("the rules have no alert")
	}
	for _, name := range append(alerts, names...) {
		if !strings.Contains(string(text), "| `"+name[1]+"` |") {
			t.Errorf("operations.md has no row of %s", name[1])
		}
	}
}
