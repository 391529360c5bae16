package results

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/job"
)

// ErrLedger says that a ledger's rows are not what the log says of them.
var ErrLedger = errors.New("ledger does not match the log")

// ledger adds a step's ledger to the table; first is its first part, if that
// was read already. Its rows must add up to what the log says.
func (f *fetcher) ledger(ctx context.Context, t *tables, generation int, ref job.LedgerRef, first []byte) error {
	var totals job.Totals
	for i, part := range ref.Parts {
		body := first
		if i > 0 || first == nil {
			var err error
			if body, err = f.blob(ctx, ref.Step, generation, part); err != nil {
				return fmt.Errorf("ledger of step %d: %w", ref.Step, err)
			}
		}
		rows, err := batch.ReadLedger(body)
		if err != nil {
			return fmt.Errorf("ledger of step %d: %w", ref.Step, err)
		}
		totals = totals.Plus(batch.Totals(rows))
		if err := t.rows(rows); err != nil {
			return err
		}
	}
	if totals != ref.Totals {
		return fmt.Errorf("ledger of step %d: %w: its rows are %+v, the log says %+v", ref.Step, ErrLedger, totals, ref.Totals)
	}
	f.report.Totals = f.report.Totals.Plus(totals)
	return nil
}

// batchPattern matches the names of batches: step, round and part.
const batchPattern = "step-*.*.*.parquet"

// batches writes the samples of a step, as they were stored.
func (f *fetcher) batches(ctx context.Context, e *job.Entry) error {
	if err := os.MkdirAll(f.path(BatchFolder), 0o777); err != nil {
		return err
	}
	for i, part := range e.Commit.Batch.Parts {
		step := e.Commit.Checkpoint.Step
		body, err := f.blob(ctx, step, e.Generation, part.Blob)
		if err != nil {
			return fmt.Errorf("batch of step %d: %w", step, err)
		}
		name := fmt.Sprintf("step-%06d.%d.%d.parquet", step, part.Round, i)
		if err := os.WriteFile(filepath.Join(f.dir, BatchFolder, name), body, 0o666); err != nil {
			return err
		}
	}
	return nil
}
