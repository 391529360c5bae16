package retention_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/retention"
)

func TestMain(m *testing.M) {
	flag.Duration("soak", 0, "for how long drivers that stall prune; 0: for one job of each kind")
	m.Run()
}

// Eight drivers of a job commit, share tensors that do not change, stall for up
// to seconds at any request, go back, pin and prune, each by what it has read of
// the log: no blob of a kept checkpoint is ever deleted, and no entry names one
// that is not there.
func TestKeptCheckpointsNeverMissABlob(t *testing.T) {
	t.Parallel()
	long := flag.Lookup("soak").Value.(flag.Getter).Get().(time.Duration)
	began := time.Now()
	var total figures
	for seed := uint64(0); seed < 2 || time.Since(began) < long; seed++ {
		synctest.Test(t, func(t *testing.T) {
			w := &watched{Bucket: mem.New(), total: &total, pinned: map[blob.Digest]bool{}}
			var drivers sync.WaitGroup
			for n := range uint64(8) {
				d := &soaked{bucket: stalling{w, &luck{rand: rand.New(rand.NewPCG(seed, n))}, &total}, watched: w, keep: 1 + int(seed%2), done: map[blob.Digest]bool{}} //nolint:gosec // a test's own luck
				drivers.Go(func() {
					for d.turn(t.Context()) {
					}
				})
			}
			drivers.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.wrong != nil {
				t.Errorf("seed %d: %v", seed, w.wrong)
			}
		})
		if t.Failed() {
			break
		}
	}
	t.Logf("%d commits, %d rewinds, %d pins, %d blobs deleted, %d stalls", total.commits.Load(), total.rewinds.Load(), total.pins.Load(), total.deleted.Load(), total.stalls.Load())
	if total.rewinds.Load() == 0 || total.deleted.Load() == 0 || total.stalls.Load() == 0 {
		t.Error("it was too quiet")
	}
}

type figures struct{ commits, rewinds, pins, deleted, stalls atomic.Int64 }

// watched is a store that knows the log, and so which blobs must be there.
type watched struct {
	blob.Bucket
	total  *figures
	mu     sync.Mutex // guards what follows
	line   []*job.Entry
	pinned map[blob.Digest]bool
	wrong  error
}

// needed are the blobs of the two newest checkpoints and of the pinned ones; after
// a rewind those that it could copy.
func (w *watched) needed() []job.Place {
	var all []job.Place
	for _, e := range w.line {
		if c, _ := e.NewCheckpoint(); w.pinned[c.Manifest] {
			all = append(all, c.Places...)
		}
	}
	first := blob.Digest("")
	for _, e := range slices.Backward(w.line) {
		c, _ := e.NewCheckpoint()
		if first != "" && c.Manifest == first {
			continue
		}
		if all = append(all, c.Places...); first != "" {
			return all
		}
		first = c.Manifest
		if e.Rewind != nil {
			for _, earlier := range e.Rewind.Earlier {
				all = append(all, earlier.Places...)
			}
			return all // of the copies, not of what they are copies of
		}
	}
	return all
}

func keyOf(p job.Place) string {
	return id.StepPrefix(p.Folder.Generation, p.Folder.Step) + string(p.Digest)
}

func (w *watched) Delete(ctx context.Context, key string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.needed() {
		if keyOf(p) == key && w.wrong == nil {
			w.wrong = fmt.Errorf("after entry %d somebody deletes %s, which is needed", w.line[len(w.line)-1].N, key)
		}
	}
	if strings.Contains(key, "/steps/") {
		w.total.deleted.Add(1)
	}
	return w.Bucket.Delete(ctx, key)
}

func (w *watched) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, known := w.Head(ctx, key) // whoever puts the same bytes again is told that it did
	version, err := w.Bucket.Put(ctx, key, body, cond)
	if err != nil || known == nil || !strings.HasPrefix(key, id.LogPrefix()) {
		return version, err
	}
	e := new(job.Entry)
	if err := sealed.Open(body, job.EntryFormat, e); err != nil {
		return version, err
	}
	if e.Rewind != nil {
		w.total.rewinds.Add(1)
		for w.line[len(w.line)-1].N > e.Rewind.To {
			w.line = w.line[:len(w.line)-1]
		}
	} else {
		w.total.commits.Add(1)
	}
	w.line = append(w.line, e)
	for _, p := range w.needed() {
		if _, err := w.Head(ctx, keyOf(p)); err != nil && w.wrong == nil {
			w.wrong = fmt.Errorf("entry %d: a kept checkpoint misses a blob: %w", e.N, err)
		}
	}
	return version, nil
}

// stalling is the store as a driver sees it, each request of which takes a
// while, and some take seconds.
type stalling struct {
	*watched
	luck  *luck
	total *figures
}

// luck is random numbers for the goroutines of a driver.
type luck struct {
	mu   sync.Mutex // guards rand
	rand *rand.Rand
}

func (l *luck) IntN(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rand.IntN(n)
}

func (s stalling) stall() {
	d := time.Duration(s.luck.IntN(1000)) * time.Microsecond
	if s.luck.IntN(300) == 0 {
		s.total.stalls.Add(1)
		d = time.Duration(s.luck.IntN(3000)) * time.Millisecond
	}
	<-time.After(d) // in a bubble: it only orders what happens
}

func (s stalling) Get(ctx context.Context, key string) (blob.Object, error) {
	s.stall()
	return s.watched.Get(ctx, key)
}

func (s stalling) Head(ctx context.Context, key string) (blob.Info, error) {
	s.stall()
	return s.watched.Head(ctx, key)
}

func (s stalling) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	s.stall()
	return s.watched.Put(ctx, key, body, cond)
}

func (s stalling) Delete(ctx context.Context, key string) error {
	s.stall()
	return s.watched.Delete(ctx, key)
}

// soaked is a driver.
type soaked struct {
	bucket  stalling
	watched *watched
	keep    int
	line    []*job.Entry
	done    map[blob.Digest]bool
	pins    int
}

const enough = 80 // entries of a log

// turn reads the log, appends an entry to it and prunes; false when the log is
// long enough. An error is one of somebody who is behind.
func (d *soaked) turn(ctx context.Context) bool {
	known := -1
	if len(d.line) > 0 {
		known = d.line[len(d.line)-1].N
	}
	n, err := checkpoint.LastEntry(ctx, d.bucket, id, known)
	if err != nil || n >= enough {
		return err != nil
	}
	if n != known {
		line, err := repair.ReadLine(ctx, d.bucket, id, n)
		if err != nil || line.Cut != nil {
			d.fail(errors.Join(err, line.Cut))
			return false
		}
		d.line = line.Entries
	}
	mine := &job.Entry{Format: job.EntryFormat, N: n + 1}
	switch luck := d.bucket.luck.IntN(100); {
	case n < 0:
		mine.Kind = job.KindBegin
		mine.Begin = &job.Begin{}
		mine.Begin.Checkpoint, err = d.save(ctx, job.Folder{}, "", nil)
	case luck < 8 && len(d.line) > 3:
		mine.Kind = job.KindRewind
		mine.Generation = d.line[len(d.line)-1].Generation + 1
		mine.Rewind, err = d.rewind(ctx, mine.Generation)
	default:
		last := d.line[len(d.line)-1]
		c, _ := last.NewCheckpoint()
		mine.Kind, mine.Generation = job.KindCommit, last.Generation
		mine.Commit = &job.Commit{}
		mine.Commit.Checkpoint, err = d.save(ctx, job.Folder{Generation: last.Generation, Step: c.Step + 1}, c.Manifest, c.Places)
	}
	if err != nil {
		return true // what it is about is gone already
	}
	e, _, err := records.Adopt(ctx, d.bucket, id.LogKey(n+1), job.EntryFormat, mine)
	if err != nil {
		d.fail(err)
		return false
	}
	if e.Kind == job.KindRewind {
		line, err := repair.ReadLine(ctx, d.bucket, id, n+1)
		d.fail(err)
		d.line = line.Entries
	} else {
		d.line = append(d.line, e)
	}
	if d.bucket.luck.IntN(40) == 0 && d.pins < 1 {
		d.pin(ctx)
	}
	pinned, err := retention.Pinned(ctx, d.bucket, id)
	d.fail(err)
	_, err = retention.Prune(ctx, d.bucket, id, d.line, retention.Policy{Keep: d.keep, Pinned: pinned}, d.done, noon)
	d.fail(err)
	return err == nil
}

func (d *soaked) fail(err error) {
	d.watched.mu.Lock()
	defer d.watched.mu.Unlock()
	if err != nil && d.watched.wrong == nil {
		d.watched.wrong = err
	}
}

// save stores a checkpoint of which some tensors are those of its parent. What
// it holds is a function of its step and parent.
func (d *soaked) save(ctx context.Context, folder job.Folder, parent blob.Digest, places []job.Place) (job.Checkpoint, error) {
	state := &checkpoint.State{}
	for k := range 4 {
		v := make([]float32, 3)
		v[0], v[1] = float32(k), float32(folder.Step>>k) // tensor k changes every 2^k steps
		state.Weights = append(state.Weights, checkpoint.Array{Name: fmt.Sprintf("w%d", k), Shape: []int{3}, F32: v})
	}
	m := &checkpoint.Manifest{
		Training: blob.DigestOf(nil), Numerics: "n", Step: folder.Step, Parent: parent,
		Shape: policy.Shape{Kind: policy.Linear, Features: 12}, Optimizer: checkpoint.Optimizer{Kind: "sgd"},
	}
	return checkpoint.Save(ctx, d.bucket, id, folder, m, state, 64, places)
}

// rewind copies one of the newest checkpoints, and the one before it.
func (d *soaked) rewind(ctx context.Context, generation int) (*job.Rewind, error) {
	at := len(d.line) - 1 - d.bucket.luck.IntN(3)
	r := &job.Rewind{To: d.line[at].N, Reason: "soaked"}
	var err error
	if r.Checkpoint, err = d.copy(ctx, d.line[at], generation); err != nil {
		return nil, err
	}
	if c, err := d.copy(ctx, d.line[at-1], generation); err == nil && c.Step < r.Checkpoint.Step {
		r.Earlier = append(r.Earlier, c)
	}
	return r, nil
}

func (d *soaked) copy(ctx context.Context, e *job.Entry, generation int) (job.Checkpoint, error) {
	c, _ := e.NewCheckpoint()
	m, state, err := checkpoint.Load(ctx, d.bucket, id, c)
	if err != nil {
		return c, err
	}
	return checkpoint.Save(ctx, d.bucket, id, job.Folder{Generation: generation, Step: c.Step}, m, state, 64, nil)
}

// pin pins the checkpoint of this driver's newest entry: where the log has it, it
// is kept from then on.
func (d *soaked) pin(ctx context.Context) {
	c, _ := d.line[len(d.line)-1].NewCheckpoint()
	if err := retention.Pin(ctx, d.bucket, id, c.Manifest, noon); err != nil {
		return
	}
	d.pins++
	d.watched.total.pins.Add(1)
	d.watched.mu.Lock()
	defer d.watched.mu.Unlock()
	d.watched.pinned[c.Manifest] = true
	for _, p := range d.watched.needed() {
		if _, err := d.watched.Head(ctx, keyOf(p)); err != nil && d.watched.wrong == nil {
			d.watched.wrong = fmt.Errorf("a pinned checkpoint misses a blob: %w", err)
		}
	}
}
