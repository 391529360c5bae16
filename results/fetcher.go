package results

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/repair"
)

// entriesAhead is how many log entries, each with its ledger, are read at once.
const entriesAhead = 8

// fetcher fetches one job into the folder dir.
type fetcher struct {
	bucket  blob.Bucket
	def     *job.Definition
	request Request
	dir     string
	curve   curve
	chosen  *job.Checkpoint // the checkpoint that was asked for
	first   int             // the step that the job began at
	report  Report
}

// fetch goes through the log once, entry by entry, and then fetches the policy.
func (f *fetcher) fetch(ctx context.Context, last int) error {
	if err := os.WriteFile(f.path(SpecFile), spec.Marshal(f.def.Spec), 0o666); err != nil {
		return err
	}
	t, err := openTables(f.dir)
	if err != nil {
		return err
	}
	err = f.tables(ctx, t, last)
	if err := errors.Join(err, t.close()); err != nil {
		return err
	}
	if err := f.policy(ctx); err != nil {
		return err
	}
	if err := f.offline(ctx); err != nil {
		return err
	}
	return f.curve.write(f.path(CurveFile), f.def.Spec.Name)
}

func (f *fetcher) path(name string) string { return filepath.Join(f.dir, name) }

// tables writes everything that has a line or a row for each step.
func (f *fetcher) tables(ctx context.Context, t *tables, last int) error {
	var evaluations []job.Evaluation
	numbers, err := f.counting(ctx, last)
	if err != nil {
		return err
	}
	for it, err := range ahead(ctx, len(numbers), entriesAhead, func(ctx context.Context, i int) (item, error) { return f.item(ctx, numbers[i]) }) {
		if err != nil {
			return err
		}
		if c, ok := it.entry.NewCheckpoint(); ok && (f.request.Step == Newest || c.Step == f.request.Step) {
			f.chosen = &c
		}
		if it.evaluation != nil {
			evaluations = append(evaluations, *it.evaluation)
		}
		switch {
		case it.entry.Begin != nil:
			f.first = it.entry.Begin.Checkpoint.Step
		case it.entry.Commit != nil:
			f.report.Steps++
			err = f.commit(ctx, t, it)
		case it.entry.End != nil:
			f.report.End = it.entry.End
			evaluations = withEnd(evaluations, it.entry.End)
			err = f.end(ctx, t, it.entry)
		}
		if err != nil {
			return err
		}
	}
	for _, e := range evaluations {
		if err := t.evaluation(e); err != nil {
			return err
		}
		f.curve.evaluated(e)
	}
	return nil
}

// counting are the numbers of the entries that count: all of them, but for those
// that the job went back from.
func (f *fetcher) counting(ctx context.Context, last int) ([]int, error) {
	newest, err := checkpoint.ReadEntry(ctx, f.bucket, f.def.ID, last)
	if err != nil {
		return nil, err
	}
	var numbers []int
	if newest.Generation == 0 {
		for n := range last + 1 {
			numbers = append(numbers, n)
		}
		return numbers, nil
	}
	line, err := repair.ReadLine(ctx, f.bucket, f.def.ID, last)
	if err == nil {
		err = line.Cut
	}
	for _, e := range line.Entries {
		numbers = append(numbers, e.N)
	}
	if newest.End != nil {
		numbers = append(numbers, last)
	}
	return numbers, err
}

// withEnd adds the evaluations that only the end tells of: those without a result.
func withEnd(evaluations []job.Evaluation, end *job.End) []job.Evaluation {
	known := make(map[blob.Digest]bool, len(evaluations))
	for _, e := range evaluations {
		known[e.Manifest] = true
	}
	for _, e := range end.Evaluations {
		if !known[e.Manifest] {
			evaluations = append(evaluations, e)
		}
	}
	return evaluations
}

func (f *fetcher) commit(ctx context.Context, t *tables, it item) error {
	c := it.entry.Commit
	if err := t.metrics(it.entry); err != nil {
		return err
	}
	f.curve.committed(c)
	if err := f.ledger(ctx, t, it.entry.Generation, c.Ledger, it.ledger); err != nil {
		return err
	}
	if !f.request.Batches {
		return nil
	}
	return f.batches(ctx, it.entry)
}

// end adds the ledgers of the steps that the end of the job cut off.
func (f *fetcher) end(ctx context.Context, t *tables, e *job.Entry) error {
	for _, ref := range e.End.Ledgers {
		if err := f.ledger(ctx, t, e.Generation, ref, nil); err != nil {
			return err
		}
	}
	return nil
}

// policy writes the weights that were asked for, and the bytes of their manifest.
func (f *fetcher) policy(ctx context.Context) error {
	if f.chosen == nil {
		if f.request.Step == Newest {
			return nil // The job ended before it began.
		}
		return fmt.Errorf("step %d: %w: there are those of steps %d to %d", f.request.Step, ErrNoStep, f.first, f.first+f.report.Steps)
	}
	file, err := os.Create(f.path(PolicyFile))
	if err != nil {
		return err
	}
	m, err := checkpoint.Export(ctx, f.bucket, f.def.ID, *f.chosen, file)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	body, id, err := m.Encode() // Only canonical manifests are read, so these are the bytes that were stored.
	if err != nil {
		return err
	}
	f.report.Step, f.report.Checkpoint = m.Step, id
	return os.WriteFile(f.path(ManifestFile), body, 0o666)
}
