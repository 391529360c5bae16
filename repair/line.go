package repair

import (
	"context"
	"fmt"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

// A Line is the entries of a log that count, the oldest first: those that a
// later one went back from are left out, and so is an end. Cut is why it does
// not begin with the first, because entry Missing cannot be read; nil if it does.
type Line struct {
	Entries []*job.Entry
	Cut     error
	Missing int
}

// ReadLine reads the line that leads to entry last of a job's log. An error says
// that the store could not be asked.
func ReadLine(ctx context.Context, b blob.Bucket, id job.ID, last int) (Line, error) {
	var line Line
	for n := last; n >= 0 && line.Cut == nil; {
		e, err := checkpoint.ReadEntry(ctx, b, id, n)
		switch {
		case err == nil:
			if e.End == nil {
				line.Entries = append(line.Entries, e)
			}
			if n--; e.Rewind != nil {
				n = min(n, e.Rewind.To)
			}
		case Damage(err):
			line.Missing = n
			line.Cut = fmt.Errorf("entry %d of the log cannot be read: %w", n, err)
		default:
			return line, err
		}
	}
	slices.Reverse(line.Entries)
	return line, nil
}
