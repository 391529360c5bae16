package batch_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/batch"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/policy"
)

const weights = blob.Digest("3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd4f1b")

// small is a sample of two decisions, among two candidates and one.
func small() batch.Sample {
	return batch.Sample{
		Group: 4, Rollout: 1, Task: 17, Reward: 0.5, Policy: weights,
		Choices: policy.Choices{
			Width: 2, Features: []float32{1, 2, 3, 4, 5, 6}, Offsets: []int{0, 2, 3}, Chosen: []int32{1, 0},
		},
		LogProbs: []float32{-0.25, 0},
	}
}

func TestSampleDigestIsPinned(t *testing.T) {
	t.Parallel()
	s := small()
	const want = "20a562a3768e62a39d7eb0c77fd8d3527a2bd89116555aaa780108945706603d"
	if got := s.Digest(); got != want {
		t.Fatalf("the canonical form changed: %s, was %s", got, want)
	}
}

func TestEveryFieldChangesTheDigest(t *testing.T) {
	t.Parallel()
	first := small()
	seen := map[blob.Digest]string{first.Digest(): "nothing"}
	for name, change := range map[string]func(s *batch.Sample){
		"group":      func(s *batch.Sample) { s.Group++ },
		"rollout":    func(s *batch.Sample) { s.Rollout++ },
		"task":       func(s *batch.Sample) { s.Task++ },
		"reward":     func(s *batch.Sample) { s.Reward = -s.Reward },
		"policy":     func(s *batch.Sample) { s.Policy = "x" },
		"feature":    func(s *batch.Sample) { s.Choices.Features[5] = 7 },
		"chosen":     func(s *batch.Sample) { s.Choices.Chosen[0] = 0 },
		"log-prob":   func(s *batch.Sample) { s.LogProbs[1] = -1 },
		"candidates": func(s *batch.Sample) { s.Choices.Offsets[1] = 1 },
		"rewards":    func(s *batch.Sample) { s.Rewards = []float64{0.5} },
		"missing":    func(s *batch.Sample) { s.Rewards = []float64{math.NaN()} },
		"truncated":  func(s *batch.Sample) { s.Truncated = true },
		"width":      func(s *batch.Sample) { s.Choices.Width = 1; s.Choices.Offsets = []int{0, 4, 6} },
		"decisions": func(s *batch.Sample) {
			s.Choices.Offsets, s.Choices.Chosen, s.LogProbs = []int{0, 3}, []int32{1}, s.LogProbs[:1]
		},
	} {
		s := small()
		change(&s)
		d := s.Digest()
		if other, ok := seen[d]; ok {
			t.Errorf("changing %s gives the digest of changing %s", name, other)
		}
		seen[d] = name
	}
}

func TestBatchDigestIsOfTheUsedRowsInOrder(t *testing.T) {
	t.Parallel()
	used := func(group int, sample string) job.Row {
		return job.Row{Outcome: job.Outcome{Group: group, Sample: blob.Digest(sample)}}
	}
	dropped := used(3, "c")
	dropped.Reason = job.Surplus
	want := batch.DigestOf([]job.Row{used(1, "a"), used(2, "b")})
	if got := batch.DigestOf([]job.Row{used(1, "a"), dropped, used(2, "b")}); got != want {
		t.Error("a dropped row changes the batch")
	}
	for name, rows := range map[string][]job.Row{
		"order":  {used(2, "b"), used(1, "a")},
		"group":  {used(1, "a"), used(3, "b")},
		"sample": {used(1, "a"), used(2, "c")},
		"fewer":  {used(1, "a")},
	} {
		if batch.DigestOf(rows) == want {
			t.Errorf("another %s gives the same digest", name)
		}
	}
}

func drawSamples(t *rapid.T) []batch.Sample {
	var samples []batch.Sample
	for g := range rapid.IntRange(0, 4).Draw(t, "groups") {
		for r := range rapid.IntRange(1, 3).Draw(t, "rollouts") {
			s := batch.Sample{
				Group: g, Rollout: r, Task: rapid.IntRange(0, 9).Draw(t, "task"),
				Reward: rapid.Float64().Draw(t, "reward"), Policy: weights, Truncated: rapid.Bool().Draw(t, "truncated"),
				Choices: policy.Choices{Width: rapid.IntRange(1, 3).Draw(t, "width"), Offsets: []int{0}},
			}
			for range rapid.IntRange(1, 4).Draw(t, "decisions") {
				n := rapid.IntRange(1, 3).Draw(t, "candidates")
				s.Choices.Offsets = append(s.Choices.Offsets, s.Choices.Rows()+n)
				s.Choices.Chosen = append(s.Choices.Chosen, int32(rapid.IntRange(0, n-1).Draw(t, "chosen")))
				s.LogProbs = append(s.LogProbs, rapid.Float32Max(0).Draw(t, "log-prob"))
				for range n * s.Choices.Width {
					s.Choices.Features = append(s.Choices.Features, rapid.Float32().Draw(t, "feature"))
				}
			}
			for range rapid.IntRange(0, 2).Draw(t, "rewards") {
				s.Rewards = append(s.Rewards, rapid.Float64().Draw(t, "part"))
			}
			samples = append(samples, s)
		}
	}
	return samples
}

func TestSamplesSurviveParquet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawSamples(t)
		files, err := batch.Write(3, 1, want)
		if err != nil {
			t.Fatal(err)
		}
		again, err := batch.Write(3, 1, want)
		if err != nil || !reflect.DeepEqual(files, again) {
			t.Fatal("written again, the files differ", err)
		}
		var got []batch.Sample
		for _, file := range files {
			part, err := batch.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, part...)
		}
		if len(got) != len(want) {
			t.Fatalf("%d samples, want %d", len(got), len(want))
		}
		for i := range got {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Fatalf("sample %d is %+v, was %+v", i, got[i], want[i])
			}
		}
	})
}

func TestFilesHoldWholeGroups(t *testing.T) {
	t.Parallel()
	const floats = 3 << 17 // 1.5 MiB
	shared := make([]float32, floats)
	var samples []batch.Sample
	for g := range 3 {
		for r := range 2 {
			samples = append(samples, batch.Sample{
				Group: g, Rollout: r, Policy: weights,
				Choices:  policy.Choices{Width: 1 << 10, Features: shared, Offsets: []int{0, floats >> 10}, Chosen: []int32{0}},
				LogProbs: []float32{0},
			})
		}
	}
	files, err := batch.Write(1, 0, samples)
	if err != nil || len(files) != 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for i, want := range []int64{4, 2} {
		file, err := parquet.OpenFile(bytes.NewReader(files[i]), int64(len(files[i])))
		if err != nil || file.NumRows() != want {
			t.Fatalf("file %d: %v, %v; want %d samples", i, file, err, want)
		}
	}
}

func TestSamplesOutOfOrderOrTwiceAreRefused(t *testing.T) {
	t.Parallel()
	a, b := small(), small()
	b.Rollout++
	for name, samples := range map[string][]batch.Sample{"order": {b, a}, "twice": {a, a}} {
		if _, err := batch.Write(1, 0, samples); err == nil || !strings.Contains(err.Error(), "4/1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFileOfAnotherKindIsCorrupt(t *testing.T) {
	t.Parallel()
	files, err := batch.Write(1, 0, []batch.Sample{small()})
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"empty":   nil,
		"cut":     files[0][:len(files[0])/2],
		"another": bytes.Repeat([]byte("x"), 100),
	} {
		if _, err := batch.Read(file); !errors.Is(err, batch.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRewardThatWasNotGivenSurvivesParquet(t *testing.T) {
	t.Parallel()
	want := small()
	want.Rewards = []float64{math.NaN(), 2}
	files, err := batch.Write(1, 0, []batch.Sample{want})
	if err != nil {
		t.Fatal(err)
	}
	got, err := batch.Read(files[0])
	if err != nil || len(got) != 1 || !math.IsNaN(got[0].Rewards[0]) || got[0].Rewards[1] != 2 || got[0].Digest() != want.Digest() {
		t.Errorf("read %+v, %v", got, err)
	}
}

// TestFileFromBeforeTheLastColumnsReads: columns are only added, and what is not
// there is false.
func TestFileFromBeforeTheLastColumnsReads(t *testing.T) {
	t.Parallel()
	type row struct {
		Group      int64     `parquet:"group"`
		Rollout    int64     `parquet:"rollout"`
		Task       int64     `parquet:"task"`
		Reward     float64   `parquet:"reward"`
		Policy     string    `parquet:"policy,dict"`
		Digest     string    `parquet:"digest"`
		Width      int32     `parquet:"width"`
		Candidates []int32   `parquet:"candidates,list"`
		Chosen     []int32   `parquet:"chosen,list"`
		LogProbs   []float32 `parquet:"log_probs,list"`
		Features   []float32 `parquet:"features,list"`
	}
	want := small()
	var file bytes.Buffer
	if err := parquet.Write(&file, []row{{
		Group: 4, Rollout: 1, Task: 17, Reward: 0.5, Policy: string(weights), Digest: string(want.Digest()), Width: 2,
		Candidates: []int32{2, 1}, Chosen: want.Choices.Chosen, LogProbs: want.LogProbs, Features: want.Choices.Features,
	}}); err != nil {
		t.Fatal(err)
	}
	got, err := batch.Read(file.Bytes())
	if err != nil || !reflect.DeepEqual(got, []batch.Sample{want}) {
		t.Errorf("read %+v, %v", got, err)
	}
}
