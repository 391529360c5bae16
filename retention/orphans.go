package retention

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// ErrRunning says that a job has not ended, so that what nothing refers to yet
// may be in somebody's hands.
var ErrRunning = errors.New("the job has not ended")

// Orphan is a blob that nothing refers to, such as a killed writer leaves.
type Orphan struct {
	Key   string `json:"key"`
	Bytes int64  `json:"bytes"`
}

// Orphans lists the blobs in the folders of an ended job's steps to which
// neither an entry of its log nor a settled record refers. A log or a record
// that cannot be read is an error: what it refers to is not known. ErrRunning:
// the job has not ended.
func Orphans(ctx context.Context, b blob.Bucket, owner job.ID) ([]Orphan, error) {
	used, err := referred(ctx, b, owner)
	if err != nil {
		return nil, fmt.Errorf("orphans of job %s: %w", owner, err)
	}
	blobs := map[string]int64{}
	for info, err := range b.List(ctx, owner.Prefix(), "") {
		if err != nil {
			return nil, fmt.Errorf("orphans of job %s: %w", owner, err)
		}
		switch name := strings.TrimPrefix(info.Key, owner.Prefix()); {
		case strings.Contains(name, "/steps/"):
			blobs[info.Key] = info.Size
		case strings.HasPrefix(name, "g") && strings.Contains(name, "/settled/"):
			if err := recorded(ctx, b, owner, info.Key, used); err != nil {
				return nil, fmt.Errorf("orphans of job %s: %w", owner, err)
			}
		}
	}
	var orphans []Orphan
	for _, key := range slices.Sorted(maps.Keys(blobs)) {
		if !used[key] {
			orphans = append(orphans, Orphan{key, blobs[key]})
		}
	}
	return orphans, nil
}

// referred are the keys of the blobs that the log refers to.
func referred(ctx context.Context, b blob.Bucket, owner job.ID) (map[string]bool, error) {
	last, err := checkpoint.LastEntry(ctx, b, owner, -1)
	if err != nil {
		return nil, err
	}
	used, ended := map[string]bool{}, false
	for n := range last + 1 {
		e, err := checkpoint.ReadEntry(ctx, b, owner, n)
		if err != nil {
			return nil, err
		}
		ended = e.End != nil
		refer(owner, e, used)
	}
	if !ended {
		return nil, ErrRunning
	}
	return used, nil
}

func refer(owner job.ID, e *job.Entry, used map[string]bool) {
	add := func(f job.Folder, d blob.Digest) { used[owner.StepPrefix(f.Generation, f.Step)+string(d)] = true }
	ledger := func(ref job.LedgerRef) {
		for _, part := range ref.Parts {
			add(job.Folder{Generation: e.Generation, Step: ref.Step}, part.Digest)
		}
	}
	if c, ok := e.NewCheckpoint(); ok {
		add(c.Folder, c.Manifest)
	}
	for _, c := range e.Copies() {
		add(c.Folder, c.Manifest)
	}
	for _, p := range places(e) {
		add(p.Folder, p.Digest)
	}
	switch {
	case e.Commit != nil:
		ledger(e.Commit.Ledger)
		for _, part := range e.Commit.Batch.Parts {
			add(job.Folder{Generation: e.Generation, Step: e.Commit.Checkpoint.Step}, part.Blob.Digest)
		}
	case e.End != nil:
		for _, ref := range e.End.Ledgers {
			ledger(ref)
		}
	}
}

// recorded adds the blobs that a settled record of a step refers to.
func recorded(ctx context.Context, b blob.Bucket, owner job.ID, key string, used map[string]bool) error {
	rest := strings.TrimPrefix(key, owner.Prefix())
	folder, name, _ := strings.Cut(rest, "/settled/")
	var generation, step int
	if _, err := fmt.Sscanf(folder, "g%d", &generation); err != nil {
		return fmt.Errorf("%s is no settled record: %w", key, err)
	}
	if _, err := fmt.Sscanf(name, "%d.", &step); err != nil {
		return fmt.Errorf("%s is no settled record: %w", key, err)
	}
	prefix := owner.StepPrefix(generation, step)
	_, file, _ := strings.Cut(name, "/")
	switch {
	case strings.HasPrefix(file, string(job.Extract)+"-"):
		r, _, err := records.Read[job.ExtractRecord](ctx, b, key, job.ExtractFormat)
		if err != nil {
			return err
		}
		for _, bucket := range r.Buckets {
			used[prefix+string(bucket.Blob.Digest)] = true
		}
	case strings.HasPrefix(file, string(job.Collect)+"-"), strings.HasPrefix(file, string(job.Assemble)+"-"):
		r, _, err := records.Read[job.CollectRecord](ctx, b, key, job.CollectFormat)
		if err != nil {
			return err
		}
		for _, part := range r.Parts {
			used[prefix+string(part.Digest)] = true
		}
	}
	return nil
}

// Sweep deletes orphans of an ended job.
func Sweep(ctx context.Context, b blob.Bucket, orphans []Orphan) error {
	for _, o := range orphans {
		if err := b.Delete(ctx, o.Key); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	return nil
}
