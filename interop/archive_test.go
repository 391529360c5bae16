package interop_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/interop/python"
	"github.com/cohort-rl/cohort/traces/archive"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/otlp/convention"
	"github.com/cohort-rl/cohort/traces/threads"
)

// The columns are what users' programs name: changing one breaks them.
func TestPythonReadsAnArchiveOfThreads(t *testing.T) {
	t.Parallel()
	bucket := mem.New()
	w := archive.NewWriter(bucket)
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	first := collect.Found{Thread: threads.Thread{
		ID: "a", From: "frames", Task: "2 3 = 6", State: threads.Complete, Start: at, End: at.Add(time.Second), Spans: 3,
		Roots: []*threads.Node{{Rewards: []convention.Reward{convention.NewReward("score", 0.5, at)}}},
	}, Messages: []threads.Message{{Body: []byte("\x00one")}, {Body: []byte("two")}}}
	second := collect.Found{Thread: threads.Thread{ID: "b", State: threads.Open, Reason: "no end event yet", Start: at, Spans: 1}}
	for _, f := range []*collect.Found{&first, &second} {
		if err := w.Add(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	object, err := bucket.Get(t.Context(), w.Written.Files[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "threads.parquet")
	if err := os.WriteFile(path, object.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	out := python.Run(t, `
import json, sys
import pyarrow.parquet
rows = pyarrow.parquet.read_table(sys.argv[1]).to_pylist()
print(json.dumps([{
    "thread": r["thread"], "state": r["state"], "reason": r["reason"], "task": r["task"], "last": r["last"],
    "start": r["start"].isoformat(), "spans": r["spans"], "rewards": r["rewards"], "tree": json.loads(r["tree"])["thread"],
    "messages": [m.hex() for m in r["messages"]], "partitions": r["partitions"],
} for r in rows]))
`, path)
	var rows []struct {
		Thread, State, Reason, Task, Start, Tree string
		Last                                     bool
		Spans                                    int
		Rewards                                  []float64
		Messages                                 []string
		Partitions                               []int
	}
	if err := json.Unmarshal(out, &rows); err != nil {
		t.Fatalf("decode what Python said: %v\n%s", err, out)
	}
	if len(rows) != 2 {
		t.Fatalf("%d rows", len(rows))
	}
	a, b := rows[0], rows[1]
	if a.Thread != "a" || a.Tree != "a" || a.State != "complete" || a.Reason != "" || a.Task != "2 3 = 6" || !a.Last || a.Spans != 3 {
		t.Errorf("first row: %+v", a)
	}
	if a.Start != "2026-11-22T10:00:00+00:00" || len(a.Rewards) != 1 || a.Rewards[0] != 0.5 || len(a.Messages) != 2 || a.Messages[0] != "006f6e65" {
		t.Errorf("first row: %+v", a)
	}
	if b.Thread != "b" || b.State != "open" || b.Reason != "no end event yet" || len(b.Messages) != 0 {
		t.Errorf("second row: %+v", b)
	}
}
