package threads_test

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/traces/files"
	"github.com/cohort-rl/cohort/traces/threads"
)

// samples is the folder of the exports. COHORT_OTLP_SAMPLES names another, whose
// files are read as well.
func samples() string { return filepath.Join("testdata", "otlp") }

func gather(t *testing.T, rules threads.Rules, path string) ([]threads.Thread, threads.Tally) {
	t.Helper()
	g, err := threads.NewGathering(rules)
	if err != nil {
		t.Fatal(err)
	}
	if err := (files.Source{Path: path, Limits: files.DefaultLimits()}).Read(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	all, tally, err := g.Threads()
	if err != nil {
		t.Fatal(err)
	}
	return all, tally
}

func rules() threads.Rules { return threads.DefaultRules(time.Unix(2_000_000_000, 0)) }

// TestSamplesHoldWhatTheirManifestSays reads all exports of each library and
// holds every trace against the line that was written for it.
func TestSamplesHoldWhatTheirManifestSays(t *testing.T) {
	t.Parallel()
	f, err := os.Open(filepath.Join("testdata", "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.Comment, r.LazyQuotes = '\t', '#', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{}
	for _, row := range rows[1:] {
		if want[row[0]] == nil {
			want[row[0]] = map[string]string{}
		}
		want[row[0]][row[2]] = strings.Join(row[3:], " ")
	}
	if len(want) != 6 {
		t.Fatalf("%d libraries are expected, want 6", len(want))
	}
	for library, expected := range want {
		t.Run(library, func(t *testing.T) {
			t.Parallel()
			all, tally := gather(t, rules(), filepath.Join(samples(), library))
			if tally.SetAside != 0 {
				t.Errorf("set aside: %v", tally.Aside)
			}
			if len(all) != len(expected) {
				t.Errorf("%d threads, want %d", len(all), len(expected))
			}
			for _, thread := range all {
				if len(thread.Traces) != 1 {
					t.Errorf("%s has the traces %v, want one", thread.ID, thread.Traces)
				}
				if got := line(thread); got != expected[thread.Traces[0]] {
					t.Errorf("trace %s\n got %s\nwant %s", thread.Traces[0], got, expected[thread.Traces[0]])
				}
			}
		})
	}
}

// line is a thread as expected.tsv has it.
func line(t threads.Thread) string {
	rewards := "-"
	for i, v := range t.RewardValues() {
		if i == 0 {
			rewards = ""
		} else {
			rewards += ","
		}
		rewards += fmt.Sprintf("%g", v)
	}
	return fmt.Sprintf("%s %s %d %d %d %d %s", t.ID, t.State, t.Spans, t.ModelCalls, t.ToolCalls, t.Errors, rewards)
}

// TestSamplesSayWhatTheyLack holds what calls carry against the table of the
// exports: token ids and log-probabilities are there where a library records
// them, and nowhere else.
func TestSamplesSayWhatTheyLack(t *testing.T) {
	t.Parallel()
	for library, want := range map[string]string{
		"agentlightning-0.3.0":    "messages 70, prompts 70, tokens 70, log-probabilities 70 of 72",
		"openinference-openai":    "messages 70, prompts 70, tokens 70, log-probabilities 70 of 72",
		"openinference-langchain": "messages 29, prompts 0, tokens 0, log-probabilities 2 of 30",
		"openllmetry-openai":      "messages 70, prompts 0, tokens 0, log-probabilities 0 of 72",
		"otel-openai-v2":          "messages 70, prompts 0, tokens 0, log-probabilities 0 of 72",
		"otel-openai-v2-default":  "messages 5, prompts 0, tokens 0, log-probabilities 0 of 6",
	} {
		all, tally := gather(t, rules(), filepath.Join(samples(), library))
		s := threads.Count(all, tally)
		got := fmt.Sprintf("messages %d, prompts %d, tokens %d, log-probabilities %d of %d", s.WithMessages, s.WithPrompt, s.WithTokens, s.WithLogProbs, s.ModelCalls)
		if got != want {
			t.Errorf("%s: %s, want %s", library, got, want)
		}
	}
}

// TestEveryFileIsRead reads each file of the samples, and of the folder that
// COHORT_OTLP_SAMPLES names, by itself: none is set aside.
func TestEveryFileIsRead(t *testing.T) {
	t.Parallel()
	folders := []string{samples()}
	if more := os.Getenv("COHORT_OTLP_SAMPLES"); more != "" {
		folders = append(folders, more)
	}
	for i, folder := range folders {
		read := 0
		err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
			ext := filepath.Ext(path)
			if err != nil || entry.IsDir() || entry.Name() == "MANIFEST.json" || (ext != ".pb" && ext != ".json") {
				return err
			}
			read++
			_, tally := gather(t, rules(), path)
			if tally.SetAside != 0 || tally.Spans+tally.Records == 0 {
				t.Errorf("%s: %d spans, %d log records, set aside %v", path, tally.Spans, tally.Records, tally.Aside)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 && read != 281 {
			t.Errorf("%d files were read, want 281: 193 exports and 88 twins", read)
		}
	}
}
