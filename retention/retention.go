// Package retention deletes the weights and optimizer state of checkpoints that
// need not be kept. Manifests, batches and ledgers stay, so lineage stays
// walkable. It deletes by the names in the log's entries, never by what a
// listing shows, and needs no clock: a commit refers only to its parent's blobs
// or to its own, and the newest checkpoints are always kept, so not even a
// process that stood still can delete what a later one needs.
package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// Always is how many of the newest checkpoints are kept in any case: the head,
// and the one that it can be computed again from. With staleness, as many more
// are: those that open steps are planned under.
const Always = 2

// A Policy says which checkpoints are kept beside the newest ones.
type Policy struct {
	// Keep is how many of the newest are kept, at least Always and Staleness; 0
	// keeps all.
	Keep int
	// Staleness is the spec's.
	Staleness int
	// Best is how many of those with the best evaluation are.
	Best int
	// Pinned are the ids of those that are kept whatever their age.
	Pinned map[blob.Digest]bool
	// Means are the means of the complete evaluations there are.
	Means map[blob.Digest]float64
}

// Kept says of each checkpoint of a line whether it is kept: the newest, the
// best, the pinned, and those that are still to be evaluated.
func (p Policy) Kept(line []*job.Entry) []bool {
	kept := make([]bool, len(line))
	keep := map[blob.Digest]bool{}
	for id := range p.Pinned {
		keep[id] = true
	}
	if n := len(line); n > 0 {
		for _, due := range line[n-1].Due() {
			keep[due.Policy.Manifest] = true
		}
	}
	newest := map[blob.Digest]bool{}
	for i := len(line) - 1; i >= 0 && (p.Keep == 0 || len(newest) < max(p.Keep, Always+p.Staleness)); i-- {
		newest[id(line[i])] = true
	}
	for _, best := range p.best(line) {
		keep[best] = true
	}
	for i, e := range line {
		kept[i] = keep[id(e)] || newest[id(e)]
	}
	return kept
}

// best are the ids of the checkpoints with the best means, of equal ones the
// older.
func (p Policy) best(line []*job.Entry) []blob.Digest {
	var ids []blob.Digest
	for _, e := range line {
		if _, ok := p.Means[id(e)]; ok && !slices.Contains(ids, id(e)) {
			ids = append(ids, id(e))
		}
	}
	slices.SortStableFunc(ids, func(a, b blob.Digest) int { return cmp.Compare(p.Means[b], p.Means[a]) })
	return ids[:min(len(ids), p.Best)]
}

func id(e *job.Entry) blob.Digest {
	c, _ := e.NewCheckpoint()
	return c.Manifest
}

// A Pruning is a checkpoint whose blobs go.
type Pruning struct {
	Entry int         `json:"entry"`
	Step  int         `json:"step"`
	ID    blob.Digest `json:"checkpoint"`
	Keys  []string    `json:"keys"`
	Bytes int64       `json:"bytes"`
}

// Plan lists what goes of a line: the checkpoints that are not kept, with those
// of their blobs that no kept one refers to. It is pure.
func (p Policy) Plan(owner job.ID, line []*job.Entry) []Pruning {
	kept := p.Kept(line)
	needed := p.needed(owner, line)
	var prunings []Pruning
	for i, e := range line {
		if kept[i] {
			continue
		}
		c, _ := e.NewCheckpoint()
		pruning := Pruning{Entry: e.N, Step: c.Step, ID: c.Manifest}
		for _, place := range places(e) {
			if k := key(owner, place); !needed[k] {
				needed[k] = true // it goes once
				pruning.Keys = append(pruning.Keys, k)
				pruning.Bytes += place.Size
			}
		}
		prunings = append(prunings, pruning)
	}
	return prunings
}

// needed are the keys of the blobs that the kept checkpoints of a line refer to.
func (p Policy) needed(owner job.ID, line []*job.Entry) map[string]bool {
	needed := map[string]bool{}
	for i, keep := range p.Kept(line) {
		if keep {
			for _, place := range places(line[i]) {
				needed[key(owner, place)] = true
			}
		}
	}
	return needed
}

// places are where the blobs of an entry's checkpoints lie, but for manifests.
func places(e *job.Entry) []job.Place {
	c, _ := e.NewCheckpoint()
	all := slices.Clone(c.Places)
	for _, earlier := range e.Copies() {
		all = append(all, earlier.Places...)
	}
	return all
}

func key(owner job.ID, p job.Place) string {
	return owner.StepPrefix(p.Folder.Generation, p.Folder.Step) + string(p.Digest)
}

// pin is the record that keeps a checkpoint, and mark the one that says that it
// was pruned, or is being.
type (
	pin struct {
		Format     string      `json:"format"`
		Checkpoint blob.Digest `json:"checkpoint"`
		At         time.Time   `json:"at"`
	}
	mark struct {
		Format     string      `json:"format"`
		Checkpoint blob.Digest `json:"checkpoint"`
		Entry      int         `json:"entry"`
		Step       int         `json:"step"`
		At         time.Time   `json:"at"`
	}
)

// ErrPruned says that a checkpoint is pruned, or being pruned.
var ErrPruned = errors.New("the checkpoint was pruned")

// Pin keeps a checkpoint of a job. It is safe to repeat. One that was pruned, or
// that somebody is pruning, is ErrPruned: the pruner looks for pins after it has
// left its mark, and Pin looks for the mark after it has left the pin, so one of
// them sees the other.
func Pin(ctx context.Context, b blob.Bucket, owner job.ID, c blob.Digest, at time.Time) error {
	mine := &pin{Format: job.PinFormat, Checkpoint: c, At: at.UTC()}
	m, err := records.Mend(ctx, b, owner.PinKey(c), job.PinFormat, mine)
	if err != nil {
		return fmt.Errorf("pin checkpoint %s: %w", c, err)
	}
	_, err = b.Head(ctx, owner.PrunedKey(c))
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("pin checkpoint %s: %w", c, err)
	case m.Existed:
		return ErrPruned // whoever pinned it may have come first
	}
	return errors.Join(ErrPruned, Unpin(ctx, b, owner, c))
}

// Unpin lets a checkpoint be pruned again. It is safe to repeat.
func Unpin(ctx context.Context, b blob.Bucket, owner job.ID, c blob.Digest) error {
	if err := b.Delete(ctx, owner.PinKey(c)); err != nil {
		return fmt.Errorf("unpin checkpoint %s: %w", c, err)
	}
	return nil
}

// Pinned are the checkpoints of a job that are pinned. Their names say so:
// whether the record can be read does not matter.
func Pinned(ctx context.Context, b blob.Bucket, owner job.ID) (map[blob.Digest]bool, error) {
	return named(ctx, b, owner.PinsPrefix())
}

// Pruned are the checkpoints of a job that were pruned, or are being.
func Pruned(ctx context.Context, b blob.Bucket, owner job.ID) (map[blob.Digest]bool, error) {
	return named(ctx, b, owner.PrunedPrefix())
}

func named(ctx context.Context, b blob.Bucket, prefix string) (map[blob.Digest]bool, error) {
	found := map[blob.Digest]bool{}
	for info, err := range b.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(info.Key, prefix), ".json")
		if d, err := blob.ParseDigest(name); err == nil {
			found[d] = true
		}
	}
	return found, nil
}
