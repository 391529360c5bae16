package job_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/job"
)

// TestScenarios replays testdata/*.txt. A line is an event; the indented lines
// below it are the effects that the machine answers with, in order. The first
// event is "job", whose effects are those of a fresh state. Run with
// UPDATE_GOLDEN set to write the effects anew, and read the difference.
func TestScenarios(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(want))
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s differs %s", path, firstDifference(got, string(want)))
			}
		})
	}
}

// replay runs the events of a scenario and returns it with the effects that
// came of them.
func replay(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	s := &scenario{t: t}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "  ") {
			continue // an effect: written anew
		}
		fmt.Fprintln(&out, line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for _, effect := range s.run(line) {
			fmt.Fprintln(&out, "  "+show(effect))
		}
	}
	return out.String()
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			from := max(0, i-3)
			return fmt.Sprintf("in line %d; got:\n%s\nwant:\n%s", i+1,
				strings.Join(a[from:min(len(a), i+4)], "\n"), strings.Join(b[min(len(b), from):min(len(b), i+4)], "\n"))
		}
	}
	return "at its end"
}

// scenario is a job that a text drives.
type scenario struct {
	t     *testing.T
	def   job.Definition
	state job.State
	// plans are those that were put, by the names of their units.
	plans map[string]*job.Plan
	// entry is the entry that was put last, commit what was updated last.
	entry *job.Entry
	begin *job.Begin
	// answers are the newest results and ends to be answered with.
	result *job.PutResult
	finish *job.Finish
	update *job.Update
	goBack *job.GoBack
}

// run feeds the event of a line and returns what the machine wants done.
func (s *scenario) run(line string) []job.Effect {
	s.t.Helper()
	words := strings.Fields(line)
	if words[0] == "job" {
		s.def = define(s.t, specOf(s.t, words[1:]))
		s.plans = map[string]*job.Plan{}
		s.begin = &job.Begin{Numerics: "n", Topic: "topic", Marks: marksNamed(&s.def, "begin"), Checkpoint: checkpointOf(0)}
		var effects []job.Effect
		s.state, effects = job.NewState(s.def)
		return effects
	}
	var effects []job.Effect
	s.state, effects = s.state.Next(s.event(words[0], words[1:], line))
	for _, effect := range effects {
		s.remember(effect)
	}
	return effects
}

// remember keeps what the answers to an effect are made from.
func (s *scenario) remember(effect job.Effect) {
	switch e := effect.(type) {
	case job.PutPlan:
		s.plans[unitName(e.Plan.Unit)] = e.Plan
	case job.PutEntry:
		s.entry = &e.Entry
	case job.PutResult:
		s.result = &e
	case job.Finish:
		s.finish = &e
	case job.Update:
		s.update = &e
	case job.GoBack:
		s.goBack = &e
	}
}
