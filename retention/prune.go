package retention

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// Prune deletes the blobs of the checkpoints of a line that p does not keep, and
// what workers left of their updates, but for those that done holds, and adds
// them to it. The line leads to an entry of
// the log that was read: nothing newer depends on what goes. It returns what it
// pruned, and is safe to repeat, and to run in several processes at once.
func Prune(ctx context.Context, b blob.Bucket, owner job.ID, line []*job.Entry, p Policy, done map[blob.Digest]bool, at time.Time) ([]Pruning, error) {
	planned := slices.DeleteFunc(p.Plan(owner, line), func(q Pruning) bool { return done[q.ID] })
	if len(planned) == 0 {
		return nil, nil
	}
	for _, q := range planned {
		mine := &mark{Format: job.PrunedFormat, Checkpoint: q.ID, Entry: q.Entry, Step: q.Step, At: at.UTC()}
		if _, err := records.Mend(ctx, b, owner.PrunedKey(q.ID), job.PrunedFormat, mine); err != nil {
			return nil, fmt.Errorf("prune checkpoint %s: %w", q.ID, err)
		}
	}
	// A pin that came before the marks is seen here; one that comes after them
	// sees the marks. So marks are never taken away: another may have seen no pin.
	pinned, err := Pinned(ctx, b, owner)
	if err != nil {
		return nil, err
	}
	p.Pinned = pinned
	var pruned []Pruning
	marked := map[blob.Digest]bool{}
	for _, q := range planned {
		marked[q.ID] = true
	}
	needed := p.needed(owner, line)
	for _, q := range p.Plan(owner, line) {
		if !marked[q.ID] {
			continue
		}
		if err := q.addLeftovers(ctx, b, owner, line, needed); err != nil {
			return pruned, fmt.Errorf("prune checkpoint %s: %w", q.ID, err)
		}
		for _, key := range q.Keys {
			if err := b.Delete(ctx, key); err != nil {
				return pruned, fmt.Errorf("prune checkpoint %s: %w", q.ID, err)
			}
		}
		pruned = append(pruned, q)
	}
	for _, q := range pruned {
		done[q.ID] = true
	}
	return pruned, nil
}

// addLeftovers adds what workers left of the update, but for what a kept
// checkpoint refers to.
func (q *Pruning) addLeftovers(ctx context.Context, b blob.Bucket, owner job.ID, line []*job.Entry, needed map[string]bool) error {
	at := slices.IndexFunc(line, func(e *job.Entry) bool { return e.N == q.Entry })
	left, err := leftovers(ctx, b, owner, line[at])
	for _, place := range left {
		if k := key(owner, place); !needed[k] && !slices.Contains(q.Keys, k) {
			q.Keys = append(q.Keys, k)
			q.Bytes += place.Size
		}
	}
	return err
}
