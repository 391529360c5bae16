package threads_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/cohort-rl/cohort/traces/threads"
)

// FuzzGathering holds that whatever a message is, it makes threads that can be
// counted and written, or is set aside.
func FuzzGathering(f *testing.F) {
	for _, pattern := range []string{"*/t01*.json", "*/logs.0*.json", "*/t11*.json"} {
		names, err := filepath.Glob(filepath.Join(samples(), pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if len(text) < 16<<10 {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		g, err := threads.NewGathering(rules())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := g.Take(threads.Message{Body: body}); err != nil {
				t.Fatal(err)
			}
		}
		all, tally, err := g.Threads()
		if err != nil && tally.SetAside == 0 {
			t.Fatalf("%v, and nothing was set aside", err)
		}
		stats := threads.Count(all, tally)
		if _, err := json.Marshal([]any{all, stats}); err != nil {
			t.Fatal(err)
		}
		in := 0
		for _, s := range stats.States {
			in += s.Threads
		}
		if in != len(all) {
			t.Errorf("%d threads are in states, of %d", in, len(all))
		}
	})
}
