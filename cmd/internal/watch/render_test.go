package watch_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/cmd/internal/watch"
	"github.com/cohort-rl/cohort/job"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it):\n%s", path, got)
	}
}

func at(seconds float64) time.Time {
	return time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

func id(text string, n int) blob.Digest { return blob.DigestOf(fmt.Appendf(nil, "%s %d", text, n)) }

func running(step int) api.Job {
	return api.Job{
		ID: "countdown-1", Name: "countdown", State: api.StateRunning, Stage: job.StageRollouts,
		Step: step, Steps: 50, Checkpoint: id("checkpoint", step), Submitted: at(-3),
	}
}

func begin() api.Event {
	return api.Event{Kind: api.EventEntry, Entry: &job.Entry{Begin: &job.Begin{Checkpoint: job.Checkpoint{Manifest: id("checkpoint", 0)}}}}
}

// commit is step n of a job that gets better and commits twice a second.
func commit(n int) api.Event {
	reward := 0.1 + 0.7*float64(n)/float64(n+5) + 0.02*float64(n%3)
	totals := job.Totals{Planned: 256, Used: 200, Dropped: 48, Failed: 8}
	var sum job.Totals
	for range n {
		sum = sum.Plus(totals)
	}
	return api.Event{Kind: api.EventEntry, Entry: &job.Entry{N: n, At: at(float64(n) / 2), Commit: &job.Commit{
		Checkpoint: job.Checkpoint{Step: n, Manifest: id("checkpoint", n)},
		Ledger:     job.LedgerRef{Totals: totals}, Totals: sum, Metrics: []job.Metric{{Name: "reward", Value: reward}},
	}}}
}

func head(j api.Job) api.Event { return api.Event{Kind: api.EventHead, Job: &j} }

func evaluated(j api.Job, steps ...int) api.Job {
	for _, n := range steps {
		j.Evaluations = append(j.Evaluations, job.Evaluation{Step: n, Manifest: id("checkpoint", n), Mean: 0.104 + 0.025*float64(n), Scored: 500})
	}
	return j
}

func apply(events ...api.Event) *watch.Model {
	m := new(watch.Model)
	for _, e := range events {
		m.Apply(e)
	}
	return m
}

// half is a job in the middle of its way.
func half() *watch.Model {
	events := []api.Event{head(running(0)), begin()}
	for n := 1; n <= 23; n++ {
		events = append(events, commit(n))
	}
	return apply(append(events, head(evaluated(running(23), 0, 10, 20)))...)
}

func TestViewOfARunningJob(t *testing.T) {
	t.Parallel()
	golden(t, "running-80x24", half().Render(80, 24, at(11.6), false))
	golden(t, "running-120x40", half().Render(120, 40, at(11.6), false))
	golden(t, "running-40x9", half().Render(40, 9, at(11.6), false))
}

func TestViewOfAPausedJob(t *testing.T) {
	t.Parallel()
	j := running(3)
	j.State, j.Paused = api.StatePaused, &job.Pause{Reason: "the agent is being mended"}
	m := apply(head(running(3)))
	if news := m.Apply(head(j)); len(news) != 1 || news[0] != "paused: the agent is being mended" {
		t.Errorf("%q", news)
	}
	if text := m.Render(100, 24, at(4), false); !strings.Contains(text, "paused, rollouts") || !strings.HasSuffix(text, "paused: the agent is being mended; cohort resume countdown-1 lets it go on") {
		t.Errorf("the view is\n%s", text)
	}
	if news := m.Apply(head(running(3))); len(news) != 1 || news[0] != "resumed" {
		t.Errorf("%q", news)
	}
}

func TestViewWithColorsShowsTheSameText(t *testing.T) {
	t.Parallel()
	plain, colored := half().Render(80, 24, at(12), false), half().Render(80, 24, at(12), true)
	if strings.Contains(plain, "\x1b") {
		t.Errorf("the view without colors has escape sequences: %q", plain)
	}
	if !strings.Contains(colored, "\x1b[36m") || ansi.Strip(colored) != plain {
		t.Errorf("the view with colors is\n%s\nand without\n%s", ansi.Strip(colored), plain)
	}
}

func TestViewFitsEveryTerminal(t *testing.T) {
	t.Parallel()
	for _, m := range []*watch.Model{new(watch.Model), apply(head(running(0))), half()} {
		for width := 1; width < 130; width += 7 {
			for height := 1; height < 40; height += 3 {
				lines := strings.Split(m.Render(width, height, at(0), true), "\n")
				if len(lines) > height {
					t.Fatalf("%d lines at height %d", len(lines), height)
				}
				for _, line := range lines {
					if ansi.StringWidth(line) > width {
						t.Fatalf("line of %d cells at width %d: %q", ansi.StringWidth(line), width, line)
					}
				}
			}
		}
	}
}

func TestViewOfABeginningAndOfAnEnd(t *testing.T) {
	t.Parallel()
	golden(t, "nothing", apply().Render(80, 24, at(0), false))
	pending := running(0)
	pending.State, pending.Stage, pending.Checkpoint = api.StatePending, job.StageWaiting, ""
	golden(t, "pending", apply(head(pending)).Render(80, 24, at(64), false))
	ended := evaluated(running(2), 0)
	end := at(30)
	ended.State, ended.Stage, ended.Ended, ended.Reason = api.StateFailed, job.StageEnded, &end, "step 3: none of 256 rollouts has a reward"
	golden(t, "failed", apply(begin(), commit(1), commit(2), api.Event{Kind: api.EventEnd, Job: &ended}).Render(80, 24, at(1000), false))
}

func TestNewsAreToldOnceAndInOrder(t *testing.T) {
	t.Parallel()
	m := new(watch.Model)
	done := evaluated(running(2), 0, 2)
	done.State = api.StateDone
	var news []string
	for _, e := range []api.Event{
		begin(), head(running(0)), commit(1), head(evaluated(running(1), 0)), head(evaluated(running(1), 0)),
		{Kind: api.EventLost, Err: errors.New("connection refused")},
		{Kind: api.EventLost, Err: errors.New("connection refused")},
		commit(2), head(evaluated(running(2), 2)),
		{Kind: api.EventEnd, Job: &done},
	} {
		news = append(news, m.Apply(e)...)
	}
	golden(t, "news", strings.Join(news, "\n")+"\n")
}

// A demo that was stopped over night and goes on has one long step.
func TestPauseDoesNotChangeTheTimeThatIsLeft(t *testing.T) {
	t.Parallel()
	events := []api.Event{head(running(0)), begin()}
	for n := 1; n <= 20; n++ {
		e := commit(n)
		if n > 15 {
			e.Entry.At = e.Entry.At.Add(9 * time.Hour)
		}
		events = append(events, e)
	}
	if view := apply(events...).Render(80, 24, at(10).Add(9*time.Hour), false); !strings.Contains(view, "about 15s left") || !strings.Contains(view, "512/s") {
		t.Errorf("30 steps of half a second are left, the view says\n%s", view)
	}
}
