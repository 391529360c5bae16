package scrub_test

import (
	"bytes"
	"flag"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/replay/replaytest"
)

// all flips every byte of every object; the usual run takes a few of each.
var all = flag.Bool("faults", false, "flip every byte of every object")

const id = job.ID("example-1")

func written(t *testing.T, o replaytest.Options) *mem.Bucket {
	t.Helper()
	b := mem.New()
	if _, err := replaytest.Write(t.Context(), b, id, o); err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t *testing.T, b blob.Bucket, key string, body []byte) {
	t.Helper()
	if _, err := b.Put(t.Context(), key, body, blob.Always()); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, b blob.Bucket, key string) {
	t.Helper()
	if err := b.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

// objects are all objects of the job.
func objects(t *testing.T, b blob.Bucket) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for info, err := range b.List(t.Context(), id.Prefix(), "") {
		if err != nil {
			t.Fatal(err)
		}
		object, err := b.Get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		found[info.Key] = object.Body
	}
	return found
}

func one(t *testing.T, b blob.Bucket, depth scrub.Depth) scrub.Job {
	t.Helper()
	j, err := scrub.One(t.Context(), b, id, depth)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// finding is what was found of a key; the test fails if there is nothing.
func finding(t *testing.T, j scrub.Job, key string) scrub.Finding {
	t.Helper()
	for _, f := range j.Findings {
		if f.Key == key {
			return f
		}
	}
	t.Fatalf("nothing was found wrong with %s: %+v", key, j.Findings)
	return scrub.Finding{}
}

func TestWholeJobHasNothingWrong(t *testing.T) {
	t.Parallel()
	for _, o := range []replaytest.Options{{Steps: 3}, {Steps: 3, Large: true}, {Steps: 3, Running: true}} {
		b := written(t, o)
		for _, depth := range []scrub.Depth{scrub.Checkpoints, scrub.Records, scrub.Deep} {
			j := one(t, b, depth)
			if len(j.Findings) > 0 || j.Unreferenced.Objects > 0 || len(j.Checkpoints) != 4 {
				t.Errorf("%+v at depth %d: %+v", o, depth, j)
			}
			if j.Resume == nil || j.Resume.Step != 3 || j.Ended == o.Running {
				t.Errorf("%+v at depth %d: resume from %+v, ended %t", o, depth, j.Resume, j.Ended)
			}
		}
	}
}

// flips are the places of body whose byte is flipped: by turns its first, one in
// the middle and its last, or every one.
func flips(body []byte, turn int) []int {
	n := len(body)
	if !*all {
		return []int{[]int{0, n / 2, n - 1}[turn%3]}
	}
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	return places
}

// cuts are the lengths that body is cut to, one of them or all.
func cuts(body []byte, turn int) []int {
	n := len(body)
	lengths := []int{0, 1, n / 4, n / 2, max(0, n-77), n - 1}
	if !*all {
		return lengths[turn%len(lengths):][:1]
	}
	return lengths
}

// steps is how many steps the job has whose objects are damaged.
func steps() int {
	if *all {
		return 2
	}
	return 1
}

// Whatever is done to whichever object of a job is named, and hides nothing
// else: every checkpoint that does not need the object is still listed as good.
func TestEveryDamageIsNamedAndHidesNothing(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]replaytest.Options{"small": {Steps: steps()}, "large": {Steps: 1, Large: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := written(t, o)
			whole := one(t, b, scrub.Deep)
			objects := objects(t, b)
			for turn, key := range slices.Sorted(maps.Keys(objects)) {
				body := objects[key]
				var damaged [][]byte
				for _, i := range flips(body, turn) {
					broken := bytes.Clone(body)
					broken[i] ^= 1
					damaged = append(damaged, broken)
				}
				for _, n := range cuts(body, turn) {
					damaged = append(damaged, body[:n])
				}
				for _, broken := range damaged {
					put(t, b, key, broken)
					j := one(t, b, scrub.Deep)
					f := finding(t, j, key)
					if f.Problem != scrub.Corrupt || f.Actual == "" || f.Actual == f.Expected || f.Size == nil || *f.Size != int64(len(broken)) || f.How == "" {
						t.Fatalf("%s damaged: %+v", key, f)
					}
					if len(f.ReferredBy) == 0 && !strings.Contains(key, "/log/") {
						t.Fatalf("%s damaged: nothing is said to refer to it", key)
					}
					othersAreGood(t, j, whole, key)
					if bad := bad(j); (bad > 0) != (f.Kind == scrub.KindManifest || f.Kind == scrub.KindTensor || f.Kind == scrub.KindEntry) {
						t.Fatalf("%s, a %s, damaged: %d checkpoints are bad", key, f.Kind, bad)
					}
				}
				remove(t, b, key)
				if !strings.HasSuffix(key, "head.json") { // a hint may be away
					f := finding(t, one(t, b, scrub.Records), key)
					if f.Problem != scrub.Missing || f.Size != nil || len(f.ReferredBy) == 0 {
						t.Fatalf("%s deleted: %+v", key, f)
					}
				}
				put(t, b, key, body)
			}
			if j := one(t, b, scrub.Deep); len(j.Findings) > 0 {
				t.Errorf("after all was mended: %+v", j.Findings)
			}
		})
	}
}

// bad counts the checkpoints that are not good. An entry that cannot be read
// counts, since it may be one.
func bad(j scrub.Job) int {
	n := 0
	for _, c := range j.Checkpoints {
		if !c.Good {
			n++
		}
	}
	return n
}

// othersAreGood checks that the checkpoints which do not name key are as good
// as they were, and that the job can be resumed from the newest that is good.
func othersAreGood(t *testing.T, j, whole scrub.Job, key string) {
	t.Helper()
	if len(j.Checkpoints) < len(whole.Checkpoints) {
		t.Fatalf("%s damaged: %d checkpoints are listed of %d", key, len(j.Checkpoints), len(whole.Checkpoints))
	}
	newest := -1
	for _, c := range j.Checkpoints {
		named := slices.ContainsFunc(c.Problems, func(p string) bool { return strings.Contains(p, key) })
		if c.Good == (len(c.Problems) > 0) || !c.Good && !named {
			t.Fatalf("%s damaged: entry %d is good: %t, problems %q", key, c.Entry, c.Good, c.Problems)
		}
		if c.Good {
			newest = c.Entry
		}
	}
	if (j.Resume == nil) != (newest < 0) || j.Resume != nil && j.Resume.Entry != newest {
		t.Fatalf("%s damaged: resume from %+v, the newest good entry is %d", key, j.Resume, newest)
	}
}
