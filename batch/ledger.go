package batch

import (
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/job"
)

// ErrLedger says that a ledger does not join its plans.
var ErrLedger = errors.New("ledger does not join its plan")

// A Row is a line of a ledger as Parquet stores it: one planned rollout and its
// fate.
type Row struct {
	Step    int64 `parquet:"step"`
	Round   int64 `parquet:"round"`
	Group   int64 `parquet:"group"`
	Rollout int64 `parquet:"rollout"`
	// Task is the line of the data set.
	Task int64 `parquet:"task"`
	// Fate is used, dropped or failed; Reason is why, empty for used.
	Fate   string `parquet:"fate,dict"`
	Reason string `parquet:"reason,dict"`
	Detail string `parquet:"detail"`
	// Thread is the id of the thread of the execution that counted, Nonce its
	// last part; both are empty if there was none.
	Thread string `parquet:"thread"`
	Nonce  string `parquet:"nonce"`
	// Attempts is how many executions ended in the agent's own failure.
	Attempts  int64 `parquet:"attempts"`
	Events    int64 `parquet:"events"`
	Decisions int64 `parquet:"decisions"`
	// Reward is null where there is no sample.
	Reward *float64 `parquet:"reward,optional"`
	// Sample is the canonical digest of the sample, or empty.
	Sample string `parquet:"sample"`
	// Policy is the digest of the weights that were planned.
	Policy string `parquet:"policy,dict"`
	// Eval is the manifest under evaluation, empty for training.
	Eval string `parquet:"eval,dict"`
}

// widest is at least as many bytes as the row takes in the largest column.
func (r Row) widest() int {
	return 64 + max(len(r.Reason), len(r.Detail), len(r.Thread), len(r.Nonce), len(r.Sample), len(r.Policy), len(r.Eval))
}

// maxRows bounds the rows of a ledger's file.
const maxRows = 200_000

// Ledger makes the rows of a ledger from the settled rows of the plans, and
// checks that they join.
func Ledger(plans []*job.Plan, settled []job.Row) ([]Row, error) {
	byUnit := make(map[job.Unit]*job.Plan, len(plans))
	for _, p := range plans {
		byUnit[p.Unit] = p
	}
	rows := make([]Row, len(settled))
	for i := range settled {
		p := byUnit[settled[i].Unit]
		if p == nil {
			return nil, fmt.Errorf("%w: row %d belongs to %+v, which is not planned", ErrLedger, i, settled[i].Unit)
		}
		rows[i] = row(p, &settled[i])
	}
	return rows, Join(plans, rows)
}

func row(p *job.Plan, r *job.Row) Row {
	l := Row{
		Step: int64(p.Unit.Step), Round: int64(p.Unit.Round), Eval: string(p.Unit.Eval),
		Group: int64(r.Group), Rollout: int64(r.Rollout), Task: int64(r.Task),
		Fate: string(job.FateOf(r.Reason)), Reason: string(r.Reason), Detail: r.Detail, Nonce: r.Nonce,
		Attempts: int64(r.Attempts), Events: int64(r.Events), Decisions: int64(r.Decisions),
		Reward: r.Reward, Sample: string(r.Sample), Policy: string(p.Policy.Weights),
	}
	if r.Nonce != "" {
		l.Thread = p.Unit.ThreadID(r.Group, r.Rollout, r.Nonce)
	}
	if r.Thread != "" {
		l.Thread = r.Thread
	}
	return l
}

// Join checks that the rows are exactly those of the plans, one per planned
// rollout in the order of the plans, with the fate that their reason stands
// for. Errors wrap ErrLedger.
func Join(plans []*job.Plan, rows []Row) error {
	i := 0
	for _, p := range plans {
		for place := range p.Planned() {
			if i == len(rows) {
				return fmt.Errorf("%w: it ends with row %d", ErrLedger, i-1)
			}
			r := &rows[i]
			group, rollout := p.At(place)
			want := [...]int64{int64(p.Unit.Step), int64(p.Unit.Round), int64(group), int64(rollout), int64(p.Tasks[group-p.First])}
			if got := [...]int64{r.Step, r.Round, r.Group, r.Rollout, r.Task}; got != want || r.Eval != string(p.Unit.Eval) {
				return fmt.Errorf("%w: row %d has step, round, group, rollout, task %d, planned is %d", ErrLedger, i, got, want)
			}
			if want := string(job.FateOf(job.Reason(r.Reason))); r.Fate != want {
				return fmt.Errorf("%w: row %d is %s with the reason %q, which means %s", ErrLedger, i, r.Fate, r.Reason, want)
			}
			if r.Reason == "" && (r.Reward == nil || r.Sample == "") {
				return fmt.Errorf("%w: row %d is used without a sample", ErrLedger, i)
			}
			i++
		}
	}
	if i != len(rows) {
		return fmt.Errorf("%w: %d rows for %d planned rollouts", ErrLedger, len(rows), i)
	}
	return nil
}

// Totals counts the fates of the rows.
func Totals(rows []Row) job.Totals {
	var t job.Totals
	for i := range rows {
		t.Add(job.Reason(rows[i].Reason))
	}
	return t
}

// WriteLedger stores rows in Parquet files, which belong behind each other.
func WriteLedger(rows []Row) ([][]byte, error) {
	var files [][]byte
	for len(rows) > 0 {
		n := min(len(rows), maxRows)
		file, err := write(rows[:n])
		if err != nil {
			return nil, fmt.Errorf("write ledger: %w", err)
		}
		files, rows = append(files, file), rows[n:]
	}
	return files, nil
}

// ReadLedger returns the rows of a file that WriteLedger made.
func ReadLedger(file []byte) ([]Row, error) {
	rows, err := read[Row](file)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return rows, nil
}
