package repair_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/repair"
	"github.com/cohort-rl/cohort/replay/replaytest"
)

const id job.ID = "example-1"

// written is the store of a job of three steps, and its objects.
func written(t *testing.T, o replaytest.Options) (*mem.Bucket, *job.Definition, map[string][]byte) {
	t.Helper()
	b := mem.New()
	o.Steps = 3
	def, err := replaytest.Write(t.Context(), b, id, o)
	if err != nil {
		t.Fatal(err)
	}
	return b, def, objects(t, b)
}

func objects(t *testing.T, b blob.Bucket) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for info, err := range b.List(t.Context(), id.Prefix(), "") {
		if err != nil {
			t.Fatal(err)
		}
		object, err := b.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		all[info.Key] = object.Body
	}
	return all
}

func spoil(t *testing.T, b blob.Bucket, key string, body []byte) {
	t.Helper()
	broken := bytes.Clone(body)
	broken[len(broken)/2] ^= 1
	if _, err := b.Put(t.Context(), key, broken, blob.Always()); err != nil {
		t.Fatal(err)
	}
}

func repaired(t *testing.T, b blob.Bucket, def *job.Definition) *repair.Report {
	t.Helper()
	r := repair.Job{Store: b, Def: def, TopicPrefix: "cohort."}
	report, err := r.All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// restorable says whether the very bytes of an object are made again.
func restorable(key string, referred map[string]bool) bool {
	return strings.Contains(key, "/steps/") && referred[key] || strings.Contains(key, "/plans/") || strings.HasSuffix(key, "/result.json")
}

// Each object is damaged alone, by a flipped bit or by being gone, in turns: what
// can be made again is the same bytes, what was there is kept, and the newest
// checkpoint is whole.
func TestDamagedObjectIsTheSameAfterARepair(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for _, large := range []bool{false, true} {
		b, def, whole := written(t, replaytest.Options{Large: large})
		if report := repaired(t, b, def); !report.Whole() || len(report.Restored) > 0 {
			t.Fatalf("a whole job is repaired: %+v", report)
		}
		referred := made(t, b)
		same := 0
		for n, key := range slices.Sorted(maps.Keys(whole)) {
			if tried[key] || key == id.SpecKey() || key == id.HeadKey() {
				continue
			}
			if tried[key] = true; n%3 > 0 && !restorable(key, referred) {
				continue // a few of those that cannot be made again
			}
			if n%2 == 0 && !strings.Contains(key, "/log/") {
				if err := b.Delete(t.Context(), key); err != nil {
					t.Fatal(err)
				}
			} else {
				spoil(t, b, key, whole[key])
			}
			report := repaired(t, b, def)
			now, err := b.Get(t.Context(), key)
			if restorable(key, referred) {
				if same++; err != nil || !bytes.Equal(now.Body, whole[key]) {
					t.Errorf("%s is not what it was: %+v", key, report)
				}
			}
			if strings.Contains(key, "/steps/") && (report.Step != 3 || report.Back != "") {
				t.Errorf("%s: the newest whole checkpoint is of step %d: %s", key, report.Step, report.Back)
			}
			if _, err := b.Put(t.Context(), key, whole[key], blob.Always()); err != nil {
				t.Fatal(err)
			}
		}
		if same < 20 && !large {
			t.Errorf("only %d objects were restored", same)
		}
	}
}

// made are the keys of the objects that can be made again: manifests, what they
// name, and ledgers.
func made(t *testing.T, b blob.Bucket) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	for n := range 4 {
		e, err := checkpoint.ReadEntry(t.Context(), b, id, n)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := e.NewCheckpoint()
		keys[id.StepPrefix(c.Folder.Generation, c.Folder.Step)+string(c.Manifest)] = true
		for _, p := range c.Places {
			keys[id.StepPrefix(p.Folder.Generation, p.Folder.Step)+string(p.Digest)] = true
		}
		if e.Commit != nil {
			for _, part := range e.Commit.Ledger.Parts {
				keys[id.StepPrefix(e.Generation, e.Commit.Ledger.Step)+string(part.Digest)] = true
			}
		}
	}
	return keys
}

// An entry inside the log says again what it said, but for its time and the
// evaluations that were due.
func TestEntryInsideTheLogIsRestated(t *testing.T) {
	t.Parallel()
	b, def, whole := written(t, replaytest.Options{})
	for n := range 4 {
		was, err := checkpoint.ReadEntry(t.Context(), b, id, n)
		if err != nil {
			t.Fatal(err)
		}
		spoil(t, b, id.LogKey(n), whole[id.LogKey(n)])
		report := repaired(t, b, def)
		if !report.Whole() || len(report.Restored) != 1 || report.Restored[0].Quarantined == "" {
			t.Fatalf("entry %d: %+v", n, report)
		}
		is, err := checkpoint.ReadEntry(t.Context(), b, id, n)
		if err != nil {
			t.Fatal(err)
		}
		if is.Restated == "" {
			t.Errorf("entry %d does not say that it is restated", n)
		}
		if n == 0 {
			is.Begin.Topic = was.Begin.Topic // the made-up job has another's
		} else {
			is.Commit.Pending = was.Commit.Pending
		}
		is.At, is.Restated = was.At, ""
		if !equal(t, was, is) {
			t.Errorf("entry %d says\n%s\nit said\n%s", n, sealedForm(t, is), sealedForm(t, was))
		}
	}
}

// The last entry may have been the end: it is not guessed, and only a person
// takes it out of the log.
func TestUnreadableLastEntryIsLeftToAPerson(t *testing.T) {
	t.Parallel()
	b, def, whole := written(t, replaytest.Options{})
	last := id.LogKey(4)
	spoil(t, b, last, whole[last])
	report := repaired(t, b, def)
	if len(report.Lost) != 1 || report.Lost[0].Key != last || report.Step != 3 {
		t.Fatalf("%+v", report)
	}
	r := repair.Job{Store: b, Def: def}
	if err := r.ForgetLastEntry(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := checkpoint.LastEntry(t.Context(), b, id, -1); n != 3 || err != nil {
		t.Errorf("the log ends with entry %d, %v", n, err)
	}
	if err := r.ForgetLastEntry(t.Context()); !errors.Is(err, repair.ErrReadable) {
		t.Errorf("a readable entry is forgotten: %v", err)
	}
}

// Where the weights of the newest step cannot be computed, the newest whole
// checkpoint before it is named.
func TestNewestWholeCheckpointIsNamedWhereItsSuccessorIsLost(t *testing.T) {
	t.Parallel()
	b, def, whole := written(t, replaytest.Options{Running: true})
	for key, body := range whole {
		if strings.HasPrefix(key, id.StepPrefix(0, 3)) {
			spoil(t, b, key, body)
		}
	}
	report := repaired(t, b, def)
	if report.Whole() || report.Step != 2 || !strings.Contains(report.Back, "cannot be computed again") {
		t.Errorf("%+v", report)
	}
}

// A store that does not answer is an error, never a damage.
func TestFailedLookUpIsNoDamage(t *testing.T) {
	t.Parallel()
	b, def, _ := written(t, replaytest.Options{})
	away := blobtest.NewFaulty(b, func(op, key string) blobtest.Fault {
		if op == "get" && strings.Contains(key, "/steps/") {
			return blobtest.Fault{Before: blob.ErrDenied}
		}
		return blobtest.Fault{}
	})
	r := repair.Job{Store: away, Def: def, Tell: func(repair.Finding) { t.Error("something was put back") }}
	if _, err := r.All(t.Context()); !errors.Is(err, blob.ErrDenied) {
		t.Errorf("all: %v", err)
	}
	line, err := repair.ReadLine(t.Context(), b, id, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := r.Newest(t.Context(), line.Entries); !errors.Is(err, blob.ErrDenied) {
		t.Errorf("newest: %v", err)
	}
}

func sealedForm(t *testing.T, e *job.Entry) []byte {
	t.Helper()
	body, err := sealed.Seal(e)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func equal(t *testing.T, a, b *job.Entry) bool {
	t.Helper()
	return bytes.Equal(sealedForm(t, a), sealedForm(t, b))
}
