package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// What follows writes what a job's driver writes.

var began = time.Unix(1_800_000_000, 0).UTC()

// digest is a digest made of one digit.
func digest(digit int) blob.Digest { return blob.Digest(strings.Repeat(fmt.Sprint(digit), 64)) }

func put(tb testing.TB, b blob.Bucket, key string, v any) {
	tb.Helper()
	if err := records.Overwrite(tb.Context(), b, key, v); err != nil {
		tb.Fatal(err)
	}
}

// totals are those of n steps.
func totals(n int) job.Totals { return job.Totals{Planned: 4 * n, Used: 3 * n, Failed: n} }

// hint is the head after step n.
func hint(n int) job.Head {
	return job.Head{
		Format: job.HeadFormat, Entry: n, Stage: job.StageRollouts, Step: n, Steps: 3,
		Checkpoint: digest(n), Totals: totals(n), Metrics: []job.Metric{{Name: "loss", Value: 9}, {Name: "reward", Value: 0.5}},
		Evaluations: []job.Evaluation{{Step: 0, Manifest: digest(0), Mean: 0.1, Scored: 2, Totals: totals(1)}},
		At:          began.Add(time.Duration(n) * time.Second),
	}
}

// step commits step n, which for 0 is the begin, and then says so.
func step(tb testing.TB, b blob.Bucket, id job.ID, n int) {
	tb.Helper()
	e := job.Entry{Format: job.EntryFormat, N: n, Kind: job.KindCommit, At: began}
	checkpoint := job.Checkpoint{Step: n, Manifest: digest(n)}
	if n == 0 {
		e.Kind, e.Begin = job.KindBegin, &job.Begin{Checkpoint: checkpoint}
	} else {
		e.Commit = &job.Commit{Checkpoint: checkpoint, Totals: totals(n)}
	}
	put(tb, b, id.LogKey(n), e)
	put(tb, b, id.HeadKey(), hint(n))
}

// end ends the job with entry n, after n-1 steps.
func end(tb testing.TB, b blob.Bucket, id job.ID, n int, end job.End) {
	tb.Helper()
	put(tb, b, id.LogKey(n), job.Entry{Format: job.EntryFormat, N: n, Kind: job.KindEnd, End: &end, At: began})
	h := hint(n - 1)
	h.Entry, h.Stage, h.End, h.At = n, job.StageEnded, &end, began.Add(time.Hour)
	put(tb, b, id.HeadKey(), h)
	if err := b.Delete(tb.Context(), id.ActiveKey()); err != nil {
		tb.Fatal(err)
	}
}
