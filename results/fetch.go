// Package results fetches what a job has learnt so far: its policy, its
// metrics, the fate of every rollout and the spec it ran with. It needs nothing
// but the object store, and verifies the hash of everything that it reads, so a
// job's results outlive every process that made them.
package results

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/offline"
	"github.com/cohort-rl/cohort/records"
)

// Errors that callers tell apart.
var (
	// ErrUnknownJob says that the store holds no job of that id.
	ErrUnknownJob = errors.New("no such job in the store")
	// ErrNotBegun says that the job has nothing to show yet.
	ErrNotBegun = errors.New("the job has not begun")
	// ErrNoStep says that the job has no checkpoint of the step.
	ErrNoStep = errors.New("no checkpoint of that step")
	// ErrNotEmpty says that the folder for the results holds something.
	ErrNotEmpty = errors.New("folder is not empty")
)

// Newest asks for the newest checkpoint.
const Newest = -1

// A Request says what to fetch.
type Request struct {
	Job job.ID
	// Dir is the folder to make. Nothing appears in it before all is fetched.
	Dir string
	// Step picks the checkpoint whose weights are fetched, or is Newest.
	Step int
	// Batches fetches the samples of every step too.
	Batches bool
	// Force lets Dir hold something already: files of the same names are
	// replaced, those of an earlier fetch are removed, others stay.
	Force bool
}

// A File is one that was written, by its path within the folder.
type File struct {
	Name string
	Size int64
}

// A Report says what was fetched.
type Report struct {
	// Steps is the number of steps that the job has committed.
	Steps int
	// Step and Checkpoint are those of the weights that were fetched; without a
	// checkpoint, in a job that ended before it began, Checkpoint is empty.
	Step       int
	Checkpoint blob.Digest
	// Totals counts the rows of the ledger, those of steps that never ended included.
	Totals job.Totals
	// End is how the job ended, nil while it runs.
	End *job.End
	// Estimate says what the policy would earn on the held-out threads of an
	// offline job; nil if there are none.
	Estimate *offline.Estimate
	Files    []File
}

// Fetch writes the results of a job into a folder: whole, or not at all. A
// job that runs is fetched as it stands at its newest log entry. Errors wrap
// those of this package, blob.ErrCorrupt or sealed's for what does not have
// its hash, and the store's own.
func Fetch(ctx context.Context, b blob.Bucket, r Request) (Report, error) {
	if err := checkFolder(r.Dir, r.Force); err != nil {
		return Report{}, err
	}
	def, _, err := records.Read[job.Definition](ctx, b, r.Job.SpecKey(), job.DefinitionFormat)
	if errors.Is(err, blob.ErrNotFound) {
		return Report{}, fmt.Errorf("job %s: %w", r.Job, ErrUnknownJob)
	}
	if err != nil {
		return Report{}, fmt.Errorf("job %s: %w", r.Job, err)
	}
	last, err := lastEntry(ctx, b, r.Job)
	if err != nil {
		return Report{}, fmt.Errorf("job %s: %w", r.Job, err)
	}
	if last < 0 {
		return Report{}, fmt.Errorf("job %s: %w: its log is empty", r.Job, ErrNotBegun)
	}
	staged, err := stage(r.Dir)
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = os.RemoveAll(staged.root) }() // What is left is a folder beside, by its name.
	f := &fetcher{bucket: b, def: def, request: r, dir: staged.files}
	if err := f.fetch(ctx, last); err != nil {
		return Report{}, fmt.Errorf("job %s: %w", r.Job, err)
	}
	if f.report.Files, err = staged.list(); err != nil {
		return Report{}, err
	}
	return f.report, staged.install(r.Dir, f.report.Files)
}

// lastEntry is the number of the job's newest log entry. The hint of the job's
// progress shortens the listing, and shows a log that lost its end.
func lastEntry(ctx context.Context, b blob.Bucket, id job.ID) (int, error) {
	known := -1
	if head, _, err := records.Read[job.Head](ctx, b, id.HeadKey(), job.HeadFormat); err == nil {
		known = head.Entry
	}
	return checkpoint.LastEntry(ctx, b, id, known)
}
