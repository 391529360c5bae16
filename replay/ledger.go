package replay

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// LedgerRows reads the rows of a commit's ledger, as far as a step depends on
// them: which rollout was used, and its sample.
func LedgerRows(ctx context.Context, b blob.Bucket, id job.ID, e *job.Entry) ([]job.Row, error) {
	ref := e.Commit.Ledger
	var rows []job.Row
	for _, part := range ref.Parts {
		body, err := blob.GetContent(ctx, b, id.StepPrefix(e.Generation, ref.Step)+string(part.Digest), part.Digest)
		if err != nil {
			return nil, fmt.Errorf("ledger of step %d: %w", ref.Step, err)
		}
		lines, err := batch.ReadLedger(body)
		if err != nil {
			return nil, fmt.Errorf("ledger of step %d: %w", ref.Step, err)
		}
		for i := range lines {
			rows = append(rows, row(id, e.Generation, &lines[i]))
		}
	}
	return rows, nil
}

func row(id job.ID, generation int, l *batch.Row) job.Row {
	return job.Row{
		Unit: job.Unit{Job: id, Generation: generation, Step: int(l.Step), Round: int(l.Round)}, Task: int(l.Task),
		Outcome: job.Outcome{
			Group: int(l.Group), Rollout: int(l.Rollout), Nonce: l.Nonce, Reason: job.Reason(l.Reason), Detail: l.Detail,
			Events: int(l.Events), Decisions: int(l.Decisions), Attempts: int(l.Attempts), Reward: l.Reward, Sample: blob.Digest(l.Sample),
		},
	}
}

// Ledger makes the files of a step's ledger: the same rows give the same bytes.
func Ledger(plans []*job.Plan, rows []job.Row) ([][]byte, error) {
	ledger, err := batch.Ledger(plans, rows)
	if err != nil {
		return nil, err
	}
	return batch.WriteLedger(ledger)
}
