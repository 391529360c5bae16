package results

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// rowGroup is how many rows of the ledger are held until they are written.
const rowGroup = 1 << 17

// A Step is a line of metrics.jsonl.
type Step struct {
	Step       int         `json:"step"`
	Checkpoint blob.Digest `json:"checkpoint"`
	Batch      blob.Digest `json:"batch"`
	At         time.Time   `json:"at"`
	// Rollouts counts the fates of this step, Totals those of all steps so far.
	Rollouts job.Totals         `json:"rollouts"`
	Totals   job.Totals         `json:"totals"`
	Metrics  map[string]float64 `json:"metrics"`
}

// tables are the files that grow with the steps.
type tables struct {
	steps       *lines
	evaluations *lines
	ledger      *parquet.GenericWriter[batch.Row]
	ledgerFile  *os.File
}

func openTables(dir string) (*tables, error) {
	t := new(tables)
	var err error
	if t.steps, err = createLines(filepath.Join(dir, MetricsFile)); err != nil {
		return nil, err
	}
	if t.evaluations, err = createLines(filepath.Join(dir, EvaluationsFile)); err != nil {
		return nil, errors.Join(err, t.steps.close())
	}
	if t.ledgerFile, err = os.Create(filepath.Join(dir, LedgerFile)); err != nil {
		return nil, errors.Join(err, t.steps.close(), t.evaluations.close())
	}
	t.ledger = parquet.NewGenericWriter[batch.Row](t.ledgerFile, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(rowGroup))
	return t, nil
}

func (t *tables) close() error {
	return errors.Join(t.steps.close(), t.evaluations.close(), t.ledger.Close(), t.ledgerFile.Close())
}

// metrics writes the line of a committed step.
func (t *tables) metrics(e *job.Entry) error {
	c := e.Commit
	line := Step{
		Step: c.Checkpoint.Step, Checkpoint: c.Checkpoint.Manifest, Batch: c.Batch.Digest, At: e.At,
		Rollouts: c.Ledger.Totals, Totals: c.Totals, Metrics: make(map[string]float64, len(c.Metrics)),
	}
	for _, m := range c.Metrics {
		line.Metrics[m.Name] = m.Value
	}
	return t.steps.write(line)
}

func (t *tables) evaluation(e job.Evaluation) error { return t.evaluations.write(e) }

// rows adds rows to the ledger.
func (t *tables) rows(rows []batch.Row) error {
	if _, err := t.ledger.Write(rows); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

// lines is a JSON Lines file that is being written.
type lines struct {
	file   *os.File
	buffer *bufio.Writer
	json   *json.Encoder
}

func createLines(path string) (*lines, error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	buffer := bufio.NewWriter(file)
	return &lines{file, buffer, json.NewEncoder(buffer)}, nil
}

func (l *lines) write(v any) error { return l.json.Encode(v) }

func (l *lines) close() error { return errors.Join(l.buffer.Flush(), l.file.Close()) }
