package simulation_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/repair"
)

// rot damages an object of the job's: a byte is flipped, the end is cut off, or
// the object is gone. What nobody can make again, and what no job can do
// without, is spared: its definition, its data, the last entry of its log, that it is
// active, and what was asked of it. An entry inside the log rots alone.
func (w *world) rot() {
	ctx := context.Background()
	var keys []string
	for info, err := range w.store.List(ctx, w.def.ID.Prefix(), "") {
		if err == nil && perishable(strings.TrimPrefix(info.Key, w.def.ID.Prefix())) {
			keys = append(keys, info.Key)
		}
	}
	if last, err := checkpoint.LastEntry(ctx, w.store, w.def.ID, -1); err == nil && last > 0 && len(w.store.damages) == 0 && w.luck.IntN(4) == 0 {
		w.rots = 0 // what surrounds the entry is needed to restate it
		w.spoil(w.def.ID.LogKey(w.luck.IntN(last)))
		return
	}
	if len(keys) == 0 {
		return
	}
	if prefix := w.newest(); prefix != "" && w.luck.IntN(3) == 0 { // its weights and its batch: the job goes back
		w.rots--
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) {
				w.spoil(key)
			}
		}
		return
	}
	key := keys[w.luck.IntN(len(keys))]
	w.rots--
	w.spoil(key)
	if i := strings.Index(key, "/steps/"); i > 0 && w.luck.IntN(2) == 0 { // all that its step stored
		for _, other := range keys {
			if strings.HasPrefix(other, key[:i+len("/steps/")+20]) {
				w.spoil(other)
			}
		}
	}
}

// newest is the folder of the newest committed step, empty before the first.
func (w *world) newest() string {
	ctx := context.Background()
	last, err := checkpoint.LastEntry(ctx, w.store, w.def.ID, -1)
	if err != nil || last < 0 {
		return ""
	}
	e, err := checkpoint.ReadEntry(ctx, w.store, w.def.ID, last)
	if err != nil || e.Commit == nil {
		return ""
	}
	return w.def.ID.StepPrefix(e.Generation, e.Commit.Checkpoint.Step)
}

// spoil damages an object.
func (w *world) spoil(key string) {
	ctx := context.Background()
	object, err := w.store.Get(ctx, key)
	if err != nil || len(object.Body) == 0 {
		return
	}
	name := "object flipped"
	body := bytes.Clone(object.Body)
	switch w.luck.IntN(3) {
	case 0:
		name = "object gone"
		w.store.damaged(key, object.Body, nil)
		_ = w.store.Delete(ctx, key)
		body = nil
	case 1:
		name = "object cut off"
		body = body[:w.luck.IntN(len(body))]
	default:
		body[w.luck.IntN(len(body))] ^= 1 << w.luck.IntN(8)
	}
	if body != nil {
		w.store.damaged(key, object.Body, body)
		_, _ = w.store.Bucket.Put(ctx, key, body, blob.Always())
	}
	w.faults.count(name)
	w.history.add("nature", short(key), "FAULT: "+name)
}

// perishable says whether a key of a job's folder may be damaged.
func perishable(key string) bool {
	for _, spared := range []string{"spec.json", "data/", "log/", "control/"} {
		if strings.HasPrefix(key, spared) {
			return false
		}
	}
	return true
}

// damage is an object that was damaged: what it was, and what is there now, nil
// for nothing.
type damage struct{ was, is []byte }

// damaged notes that an object is about to be.
func (s *store) damaged(key string, was, is []byte) {
	if first, ok := s.damages[key]; ok {
		was = first.was
	}
	s.damages[key] = damage{was, is}
}

// replaced checks what takes the place of a damaged object: the damaged bytes
// are kept, and what is named by its hash, or computed alike by everybody, is
// what it was.
func (s *store) replaced(key string, body []byte) error {
	d, ok := s.damages[key]
	if !ok {
		return fmt.Errorf("%s was replaced", key)
	}
	delete(s.damages, key)
	if d.is != nil && !hint(key) {
		kept := blob.QuarantinePrefix + key + "/" + string(blob.DigestOf(d.is))
		if _, err := s.Get(context.Background(), kept); err != nil {
			return fmt.Errorf("%s was replaced, and what was there is not kept: %w", key, err)
		}
	}
	same := strings.Contains(key, "/steps/") || strings.Contains(key, "/plans/")
	if same && !bytes.Equal(body, d.was) {
		return fmt.Errorf("%s was damaged, and other bytes than before took its place", key)
	}
	return nil
}

// Whatever of its objects rots while a job runs, it ends with the checkpoints of
// the undisturbed run.
func TestJobsOutliveTheRotOfTheirObjects(t *testing.T) {
	t.Parallel()
	refs := &references{codec: newCodec(t), made: map[runPlan]outcome{}}
	counted := map[string]int{}
	rewinds := 0
	for n := range setting[int]("rots") {
		p := planOf(setting[uint64]("seed") + uint64(n))
		p.rot, p.cancel = true, false
		o, err := refs.check(t, p)
		if err != nil {
			t.Errorf("seed %d: %v\n%s", p.seed, err, o.history)
			break
		}
		for name, n := range o.counted {
			counted[name] += n
		}
		rewinds, counted["repaired after the end"], counted["lost"] = rewinds+o.rewinds, counted["repaired after the end"]+o.restored, counted["lost"]+o.lost
	}
	t.Logf("%d rewinds; faults: %v", rewinds, counted)
}

// lost says whether an error is of an object that was damaged and that nobody
// has put back: of a step that is over nothing but a repair reads it.
func (s *store) lost(err error) bool {
	if len(s.damages) == 0 || err == nil {
		return false
	}
	for key := range s.damages {
		if strings.Contains(err.Error(), key) {
			return true
		}
	}
	return false
}

// mend repairs the job as a person does after its end: the newest checkpoint is
// whole before, and everything that is not reported as lost after.
func (w *world) mend(o *outcome) error {
	ctx := context.Background()
	r := repair.Job{Store: w.store, Def: &w.def, TopicPrefix: "t-"}
	report, err := r.All(ctx)
	if err != nil {
		return err
	}
	o.restored, o.lost = len(report.Restored), len(report.Lost)
	w.history.add("person", "repair", fmt.Sprintf("%+v", *report))
	again, err := r.All(ctx)
	if err != nil || len(again.Restored) > 0 || len(again.Lost) != len(report.Lost) {
		return fmt.Errorf("what was repaired is to be repaired again: %+v, %w", again, err)
	}
	return nil
}
