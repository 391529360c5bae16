package training_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// One byte of one object of each kind that a demo leaves is flipped: verify
// names it, the checkpoints are listed all the same, and repair puts the very
// bytes back, restates the entry, or says what is lost and what depends on it.
func TestDamageOfEachKindIsNamedAndRepaired(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	summary := demo(t, dir, "--steps", "2")
	store := storeOf(dir)
	cohort := func(verb string, flags ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		args := append([]string{"checkpoint", verb, string(summary.Job), "--store", "file://" + store}, flags...)
		out, err := exec.CommandContext(ctx, "cohort", args...).Output()
		return string(out), err
	}
	kinds := kindsOf(t, store)
	names := slices.Sorted(maps.Keys(kinds))
	if !flag.Lookup("damage").Value.(flag.Getter).Get().(bool) {
		names = []string{"gN/plans/N.N.json", "gN/ranges/N.N.N.json"}
	}
	outcomes := map[string]int{}
	for _, name := range names {
		for _, key := range kinds[name] {
			path := filepath.Join(store, key)
			was := flip(t, path)
			if out, err := cohort("verify", "--deep"); err == nil || !strings.Contains(out, key) {
				t.Errorf("%s is flipped: verify says\n%s", key, out)
			}
			if out, err := cohort("list"); err != nil || strings.Count(out, "\n") < 3 {
				t.Errorf("%s is flipped: list says %v\n%s", key, err, out)
			}
			out, failed := cohort("repair", "-o", "json")
			now, _ := os.ReadFile(path)
			switch {
			case failed == nil && bytes.Equal(now, was):
				outcomes["the same bytes"]++
			case failed == nil:
				outcomes["restated or taken away"]++
				if out, err := cohort("verify", "--deep"); err != nil {
					t.Errorf("%s was repaired: %v\n%s", key, err, out)
				}
			case strings.HasSuffix(key, "/spec.json"):
				outcomes["lost"]++ // without it nothing can be looked at
			default:
				outcomes["lost"]++
				var report struct {
					Lost []struct{ Key, Needed string } `json:"lost"`
				}
				if err := json.Unmarshal([]byte(out), &report); err != nil || len(report.Lost) != 1 || report.Lost[0].Key != key || report.Lost[0].Needed == "" {
					t.Errorf("%s is lost: %v\n%s", key, err, out)
				}
			}
			if strings.Contains(name, "/plan") && !bytes.Equal(now, was) {
				t.Errorf("%s is not what it was", key)
			}
			if err := os.WriteFile(path, was, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d kinds: %v", len(names), outcomes)
}

var (
	number = regexp.MustCompile(`[0-9]{20}`)
	hash   = regexp.MustCompile(`[0-9a-f]{64}`)
)

// kindsOf are keys of the only job by the shape of their names: one of each, and
// all of the folders of steps.
func kindsOf(t *testing.T, store string) map[string][]string {
	t.Helper()
	kinds := map[string][]string{}
	err := filepath.WalkDir(filepath.Join(store, "jobs"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		key, err := filepath.Rel(store, path)
		if err != nil {
			return err
		}
		shape := number.ReplaceAllString(hash.ReplaceAllString(strings.SplitN(key, "/", 3)[2], "H"), "N")
		if len(kinds[shape]) == 0 || strings.Contains(key, "/steps/") {
			kinds[shape] = append(kinds[shape], key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return kinds
}
