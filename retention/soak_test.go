package retention_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/retention/retentiontest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDriver); dir != "" {
		os.Exit(driver(dir, os.Getenv(envSeed)))
	}
	flag.Duration("soak", 0, "for how long drivers that stall prune; 0: for one job of each kind")
	flag.Parse()
	os.Exit(m.Run())
}

// Eight drivers of a job commit, share tensors that do not change, stall for up
// to seconds at any request, go back, pin and prune, each by what it has read of
// the log: no blob of a kept checkpoint is ever deleted, and no entry names one
// that is not there.
func TestKeptCheckpointsNeverMissABlob(t *testing.T) {
	t.Parallel()
	began := time.Now()
	var total figures
	for seed := uint64(0); seed < 2 || time.Since(began) < soak(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			w := &watched{Bucket: mem.New(), total: &total, pinned: map[blob.Digest]bool{}}
			var drivers sync.WaitGroup
			for n := range uint64(8) {
				l := &luck{rand: rand.New(rand.NewPCG(seed, n))} //nolint:gosec // a test's own luck
				d := retentiontest.Driver{Bucket: stalling{w, l, &total}, Job: id, Keep: 1 + int(seed%2), Entries: 80, IntN: l.IntN, Pinned: w.pin}
				drivers.Go(func() {
					for more := true; more; {
						var err error
						if more, err = d.Turn(t.Context()); err != nil {
							w.fail(err)
						}
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

// soak is for how long drivers prune.
func soak() time.Duration { return flag.Lookup("soak").Value.(flag.Getter).Get().(time.Duration) }

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
	for _, c := range retentiontest.Needed(w.line) {
		all = append(all, c.Places...)
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

func (w *watched) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrong == nil {
		w.wrong = err
	}
}

// pin hears that the checkpoint of an entry is pinned: where the log has it, it
// is kept from then on.
func (w *watched) pin(ctx context.Context, e job.Entry) {
	c, _ := e.NewCheckpoint()
	w.total.pins.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pinned[c.Manifest] = true
	for _, p := range w.needed() {
		if _, err := w.Head(ctx, keyOf(p)); err != nil && w.wrong == nil {
			w.wrong = fmt.Errorf("a pinned checkpoint misses a blob: %w", err)
		}
	}
}
