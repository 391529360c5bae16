package scrub_test

import (
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/blob/s3"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay"
	"github.com/cohort-rl/cohort/replay/replaytest"
)

// entryOf is entry n of the job's log.
func entryOf(t *testing.T, b blob.Bucket, n int) *job.Entry {
	t.Helper()
	e, err := checkpoint.ReadEntry(t.Context(), b, id, n)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// own is the key of a tensor that no checkpoint before has.
func own(c job.Checkpoint) string {
	i := slices.IndexFunc(c.Places, func(p job.Place) bool { return p.Folder == c.Folder })
	return id.StepPrefix(0, c.Step) + string(c.Places[i].Digest)
}

// What is said of a manifest or a tensor, whether it can be made again, is what
// a replay then finds.
func TestRecomputableIsWhatAReplayCanMake(t *testing.T) {
	t.Parallel()
	b := written(t, replaytest.Options{Steps: 2})
	def, _, err := records.Read[job.Definition](t.Context(), b, id.SpecKey(), job.DefinitionFormat)
	if err != nil {
		t.Fatal(err)
	}
	parent, e := entryOf(t, b, 1), entryOf(t, b, 2)
	folder := id.StepPrefix(0, 2)
	manifest := folder + string(e.Commit.Checkpoint.Manifest)
	collect := job.Shard{Unit: job.Unit{Job: id, Step: 2}, Phase: job.Collect}.SettledKey()
	ledger := folder + string(e.Commit.Ledger.Parts[0].Digest)
	for name, broken := range map[string][]string{
		"itself alone": {}, "the batch": {folder + string(e.Commit.Batch.Parts[0].Blob.Digest)}, "the collect record": {collect},
		"the ledger": {ledger}, "both": {collect, ledger}, "plan and ranges": {job.Unit{Job: id, Step: 2}.PlanKey(), job.Unit{Job: id, Step: 2}.RangesKey(0)},
		"the definition": {id.SpecKey()}, "the parent's tensors": {own(parent.Commit.Checkpoint)},
	} {
		whole := map[string][]byte{}
		for _, key := range append(broken, manifest) {
			object, err := b.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			whole[key] = object.Body
			put(t, b, key, []byte("broken"))
		}
		f := finding(t, one(t, b, scrub.Deep), manifest)
		made := false
		if name != "the definition" {
			l, err := replay.Load(t.Context(), b, def, parent.Commit.Checkpoint)
			if err != nil { // the parent is made first
				s, err := replay.Entry(t.Context(), b, def, entryOf(t, b, 0), parent)
				if err != nil {
					t.Fatal(err)
				}
				l = s.Learner
			}
			s, err := replay.Next(t.Context(), b, def, l, parent, e)
			made = err == nil && s.Matches(e.Commit.Checkpoint) == nil
		}
		if f.Recomputable != made || f.How == "" {
			t.Errorf("with %s broken: recomputable %t (%s), a replay makes it: %t", name, f.Recomputable, f.How, made)
		}
		for key, body := range whole {
			put(t, b, key, body)
		}
	}
}

func TestWhatBelongsElsewhereIsMistaken(t *testing.T) {
	t.Parallel()
	b := written(t, replaytest.Options{Steps: 2})
	objects := objects(t, b)
	first, second := job.Unit{Job: id, Step: 1}, job.Unit{Job: id, Step: 2}
	settled := func(u job.Unit, index int) string {
		return job.Shard{Unit: u, Phase: job.Rollout, Index: index}.SettledKey()
	}
	for at, from := range map[string]string{
		id.LogKey(1): id.LogKey(2), first.PlanKey(): second.PlanKey(), settled(first, 0): settled(second, 0), settled(first, 1): settled(first, 0),
	} {
		put(t, b, at, objects[from])
		if f := finding(t, one(t, b, scrub.Records), at); f.Problem != scrub.Mistaken || !strings.Contains(f.Detail, "it ") {
			t.Errorf("%s holds %s: %+v", at, from, f)
		}
		put(t, b, at, objects[at])
	}
	// Another record of the same shard, whole in itself.
	r, _, err := records.Read[job.RolloutRecord](t.Context(), b, settled(first, 0), job.RolloutFormat)
	if err != nil {
		t.Fatal(err)
	}
	r.Done.Worker = "another"
	if err := records.Overwrite(t.Context(), b, settled(first, 0), r); err != nil {
		t.Fatal(err)
	}
	if f := finding(t, one(t, b, scrub.Records), settled(first, 0)); f.Problem != scrub.Mistaken || f.Expected == f.Actual || f.Expected == "" {
		t.Errorf("a record that the ranges do not name: %+v", f)
	}
}

func TestNewerFormatIsNotCalledCorrupt(t *testing.T) {
	t.Parallel()
	b := written(t, replaytest.Options{Steps: 1})
	key := job.Unit{Job: id, Step: 1}.RangesKey(0)
	if err := records.Overwrite(t.Context(), b, key, struct {
		Format string `json:"format"`
	}{"cohort.ranges/2"}); err != nil {
		t.Fatal(err)
	}
	if f := finding(t, one(t, b, scrub.Records), key); f.Problem != scrub.Unknown || !strings.Contains(f.Detail, "cohort.ranges/2") {
		t.Errorf("%+v", f)
	}
}

// The log's end leaves traces: a hint, or that nobody drives the job any more.
func TestLostEndOfTheLogIsMissed(t *testing.T) {
	t.Parallel()
	b := written(t, replaytest.Options{Steps: 1})
	remove(t, b, id.LogKey(2))
	if f := finding(t, one(t, b, scrub.Checkpoints), id.LogKey(2)); f.Problem != scrub.Missing || f.Recomputable {
		t.Errorf("beside a hint: %+v", f)
	}
	remove(t, b, id.HeadKey())
	if f := finding(t, one(t, b, scrub.Checkpoints), id.LogKey(2)); f.Problem != scrub.Missing || f.Recomputable {
		t.Errorf("without a hint: %+v", f)
	}
}

func TestLeftoversAreCountedAndNoFault(t *testing.T) {
	t.Parallel()
	b := written(t, replaytest.Options{Steps: 1})
	body := []byte("of a writer that was killed")
	key := id.StepPrefix(0, 2) + string(blob.DigestOf(body))
	put(t, b, key, body)
	j := one(t, b, scrub.Deep)
	if len(j.Findings) > 0 || j.Unreferenced != (scrub.Leftovers{Objects: 1, Bytes: int64(len(body))}) {
		t.Errorf("%+v", j)
	}
	put(t, b, key, body[1:])
	if f := finding(t, one(t, b, scrub.Deep), key); f.Problem != scrub.Corrupt || len(f.ReferredBy) > 0 || f.Recomputable {
		t.Errorf("%+v", f)
	}
}

// Empty objects everywhere: all are named, and nothing stops the scrub.
func TestStoreOfEmptyObjects(t *testing.T) {
	t.Parallel()
	b := written(t, replaytest.Options{Steps: 2})
	n := 0
	for key := range objects(t, b) {
		put(t, b, key, nil)
		n++
	}
	put(t, b, job.DeploymentKey, nil)
	put(t, b, job.BindingKey, nil)
	report, err := scrub.All(t.Context(), b, scrub.Deep)
	if err != nil {
		t.Fatal(err)
	}
	if report.OK || len(report.Jobs) != 1 || len(report.Jobs[0].Findings) != n || len(report.Findings) != 2 || report.Jobs[0].Resume != nil {
		t.Errorf("%d objects: %+v", n, report)
	}
	for _, f := range report.Jobs[0].Findings {
		if f.How == "nothing depends on it" {
			t.Errorf("%s %s: it says that %s, and the definition cannot be read", f.Kind, f.Key, f.How)
		}
	}
	if l := report.Jobs[0].Checkpoints; len(l) != 4 || l[0].Good || len(l[0].Problems) == 0 {
		t.Errorf("listed are %+v", l)
	}
}

// A store that cannot be looked at says nothing about its objects.
func TestErrorOfTheStoreIsNoFinding(t *testing.T) {
	t.Parallel()
	store := written(t, replaytest.Options{Steps: 1})
	for _, op := range []string{"get", "list", "head"} {
		b := blobtest.NewFaulty(store, func(o, _ string) blobtest.Fault {
			if o == op {
				return blobtest.Fault{Before: blob.ErrUnavailable}
			}
			return blobtest.Fault{}
		})
		if _, err := scrub.One(t.Context(), b, id, scrub.Deep); !errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("%s fails: %v", op, err)
		}
	}
	if _, err := scrub.One(t.Context(), store, "example-9", scrub.Deep); !errors.Is(err, scrub.ErrNoJob) {
		t.Errorf("no such job: %v", err)
	}
}

func TestScrubOnS3(t *testing.T) {
	t.Parallel()
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog())).Server())
	t.Cleanup(server.Close)
	b, err := open.Open(t.Context(), "s3://bucket/p?endpoint="+server.URL+"&region=us-east-1&style=path",
		open.Options{Credentials: s3.Credentials{AccessKey: "k", SecretKey: "s"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := replaytest.Write(t.Context(), b, id, replaytest.Options{Steps: 1}); err != nil {
		t.Fatal(err)
	}
	if j := one(t, b, scrub.Deep); len(j.Findings) > 0 {
		t.Fatalf("%+v", j.Findings)
	}
	for key, body := range objects(t, b) {
		broken := append([]byte(nil), body...)
		broken[len(body)/2] ^= 1
		put(t, b, key, broken)
		if f := finding(t, one(t, b, scrub.Deep), key); f.Problem != scrub.Corrupt {
			t.Errorf("%s: %+v", key, f)
		}
		put(t, b, key, body)
	}
}
