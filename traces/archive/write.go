package archive

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/parquet-go/parquet-go"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/traces/collect"
)

const (
	// maxFile is about how many bytes the rows of a file have before compression.
	maxFile = 16 << 20
	// maxHeld bounds the rows of all days that are not in a file yet.
	maxHeld = 48 << 20
)

// A Writer puts threads into an archive. It is not safe for concurrent use.
type Writer struct {
	bucket blob.Bucket
	days   map[string]*day
	held   int
	part   int32 // of the thread at hand
	// Written is what has been put so far; all, once Close has returned.
	Written Written
}

// Written counts what was put.
type Written struct {
	Threads int64    `json:"threads"`
	Bytes   int64    `json:"bytes"`
	Files   []string `json:"files"`
}

// day is what is not in a file yet of one folder.
type day struct {
	rows []row
	size int
}

// NewWriter archives into a bucket. Close completes it.
func NewWriter(bucket blob.Bucket) *Writer { return &Writer{bucket: bucket, days: map[string]*day{}} }

// Add takes a thread that was collected together with its messages. The parts of
// a large one before the last lie in the folder of undated threads, as its day
// comes last.
func (w *Writer) Add(ctx context.Context, f *collect.Found) error {
	r, err := rowOf(f, w.part)
	if err != nil {
		return err
	}
	if f.More {
		w.part++
		return w.put(ctx, undated, r)
	}
	w.part = 0
	w.Written.Threads++
	return w.put(ctx, dayOf(&f.Thread), r)
}

func (w *Writer) put(ctx context.Context, name string, r row) error {
	d := w.days[name]
	if d == nil {
		d = &day{}
		w.days[name] = d
	}
	size := r.size()
	d.rows, d.size, w.held = append(d.rows, r), d.size+size, w.held+size
	if d.size >= maxFile {
		return w.flush(ctx, name)
	}
	for w.held >= maxHeld {
		largest := slices.MaxFunc(slices.Sorted(maps.Keys(w.days)), func(a, b string) int { return w.days[a].size - w.days[b].size })
		if err := w.flush(ctx, largest); err != nil {
			return err
		}
	}
	return nil
}

// flush puts what is held of a day.
func (w *Writer) flush(ctx context.Context, name string) error {
	d := w.days[name]
	delete(w.days, name)
	w.held -= d.size
	var file bytes.Buffer
	if err := parquet.Write(&file, d.rows, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(rowsPerGroup)); err != nil {
		return fmt.Errorf("archive: write Parquet: %w", err)
	}
	if file.Len() > blob.MaxObject {
		return fmt.Errorf("archive: a file of %d bytes, a store takes %d: thread %q is too large", file.Len(), blob.MaxObject, d.rows[0].Thread)
	}
	at := key(name, file.Bytes())
	if _, err := w.bucket.Put(ctx, at, file.Bytes(), blob.IfAbsent()); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	w.Written.Files = append(w.Written.Files, at)
	w.Written.Bytes += int64(file.Len())
	return nil
}

// rowsPerGroup lets a reader of a file hold a part of it alone.
const rowsPerGroup = 2000

// Close puts what is left.
func (w *Writer) Close(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(w.days)) {
		if err := w.flush(ctx, name); err != nil {
			return err
		}
	}
	slices.Sort(w.Written.Files)
	return nil
}
