package checkpoint_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/safetensors"
)

// drawState draws tensors of any size, that compress well or not at all.
func drawState(t *rapid.T) *checkpoint.State {
	luck := numerics.NewStream(rapid.Uint64().Draw(t, "seed"), 1)
	fill := func() float64 { return 0 }
	if rapid.Bool().Draw(t, "random") {
		fill = func() float64 { return luck.Float64() - 0.5 }
	}
	draw := func(name string, wide bool) checkpoint.Array {
		n := rapid.IntRange(0, 3000).Draw(t, name)
		a := checkpoint.Array{Name: name, Shape: []int{n}}
		if wide {
			a.F64 = make([]float64, n)
			for i := range a.F64 {
				a.F64[i] = fill()
			}
			return a
		}
		a.F32 = make([]float32, n)
		for i := range a.F32 {
			a.F32[i] = float32(fill())
		}
		return a
	}
	return &checkpoint.State{
		Weights:   []checkpoint.Array{draw("w", false), draw("v", false)},
		Optimizer: []checkpoint.Array{draw("m", false), draw("d", true)},
	}
}

// Chunks may cut elements, tensors may be empty: what the writer accepts under
// some limits the reader accepts under the same, and gives back; what the
// writer refuses leaves nothing, and no reader of those limits takes it.
func TestWhatTheWriterAcceptsTheReaderReads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		state, chunk := drawState(t), rapid.IntRange(7, 9000).Draw(t, "chunk")
		limits := checkpoint.Limits{
			Manifest: int64(rapid.IntRange(300, 20000).Draw(t, "manifest limit")),
			Chunk:    int64(rapid.IntRange(7, 9000).Draw(t, "chunk limit")),
			State:    int64(rapid.IntRange(0, 60000).Draw(t, "state limit")),
		}
		if rapid.Bool().Draw(t, "roomy") {
			limits = checkpoint.DefaultLimits()
		}
		b := mem.New()
		c, err := limits.Save(t.Context(), b, "j", job.Folder{Step: 1}, manifestOf(1), state, chunk, nil)
		if err != nil {
			for info, listErr := range b.List(t.Context(), "", "") {
				t.Fatalf("%v, and it left %s, %v", err, info.Key, listErr)
			}
			if !errors.Is(err, checkpoint.ErrInvalid) {
				t.Fatal(err)
			}
			if c, err = checkpoint.Save(t.Context(), b, "j", job.Folder{Step: 1}, manifestOf(1), state, chunk, nil); err != nil {
				t.Fatal(err)
			}
			if _, _, err := limits.Load(t.Context(), b, "j", c); !errors.Is(err, checkpoint.ErrInvalid) {
				t.Fatalf("the writer refuses it, the reader says %v", err)
			}
			return
		}
		_, loaded, err := limits.Load(t.Context(), b, "j", c)
		if err != nil || !reflect.DeepEqual(loaded, state) {
			t.Fatalf("saved and not loaded: %v", err)
		}
	})
}

// What is too large is refused by its manifest: no tensor of it is read.
func TestTooLargeAStateIsRefusedBeforeItIsRead(t *testing.T) {
	t.Parallel()
	store := mem.New()
	c := save(t, store, "j", 1, stateOf(1), nil)
	reads := 0
	b := blobtest.NewFaulty(store, func(op, _ string) blobtest.Fault {
		if op == "get" {
			reads++
		}
		return blobtest.Fault{}
	})
	limits := checkpoint.DefaultLimits()
	limits.State = 100
	if _, _, err := limits.Load(t.Context(), b, "j", c); !errors.Is(err, checkpoint.ErrInvalid) || reads != 1 {
		t.Errorf("%v after %d reads, want ErrInvalid after that of the manifest", err, reads)
	}
}

func TestImageHasTheBytesThatAreStored(t *testing.T) {
	t.Parallel()
	b := mem.New()
	c := save(t, b, "j", 1, stateOf(1), nil)
	image, err := checkpoint.NewImage(manifestOf(1), stateOf(1), small)
	if err != nil || image.ID != c.Manifest || len(image.Chunks()) != len(c.Places) {
		t.Fatalf("image %s of %d chunks, %v", image.ID, len(image.Chunks()), err)
	}
	for _, key := range keys(t, b, "") {
		stored, err := b.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if body, ok := image.Object(blob.DigestOf(stored.Body)); !ok || !bytes.Equal(body, stored.Body) {
			t.Errorf("the image has not the bytes of %s", key)
		}
	}
	if _, ok := image.Object(blob.DigestOf(nil)); ok {
		t.Error("the image has what is not in it")
	}
}

func TestExportIsTheFileThatSafetensorsWrites(t *testing.T) {
	t.Parallel()
	b := mem.New()
	state := stateOf(1)
	c := save(t, b, "j", 3, state, nil)
	file, err := os.Create(filepath.Join(t.TempDir(), "w.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m, err := checkpoint.Export(t.Context(), b, "j", c, file)
	if err != nil || m.Step != 3 {
		t.Fatal(m, err)
	}
	tensors, metadata, err := safetensors.Read(file, 1<<20)
	w := state.Weights[0]
	want := []policy.Tensor{{Name: w.Name, Shape: w.Shape, Data: w.F32}}
	if err != nil || !reflect.DeepEqual(tensors, want) || metadata["checkpoint"] != string(c.Manifest) || metadata["job"] != "j" || metadata["step"] != "3" {
		t.Errorf("%v %v %v", tensors, metadata, err)
	}
	put(t, b, job.ID("j").StepPrefix(0, 3)+string(c.Places[0].Digest), []byte("other"))
	if _, err := checkpoint.Export(t.Context(), b, "j", c, file); !errors.Is(err, blob.ErrCorrupt) {
		t.Errorf("of a corrupt chunk: %v", err)
	}
}

func TestDiffComparesTensorByTensor(t *testing.T) {
	t.Parallel()
	a := &checkpoint.State{Weights: []checkpoint.Array{
		{Name: "same", Shape: []int{2}, F32: []float32{3, 4}},
		{Name: "other", Shape: []int{2}, F32: []float32{1, 0}},
		{Name: "shape", Shape: []int{2}, F32: []float32{1, 1}},
		{Name: "gone", Shape: []int{1}, F32: []float32{1}},
	}}
	b := &checkpoint.State{Weights: []checkpoint.Array{
		{Name: "same", Shape: []int{2}, F32: []float32{3, 4}},
		{Name: "other", Shape: []int{2}, F32: []float32{0, 1}},
		{Name: "shape", Shape: []int{1, 2}, F32: []float32{1, 1}},
		{Name: "new", Shape: []int{1}, F32: []float32{1}},
	}}
	d := checkpoint.Diff(a, b)
	if len(d) != 5 {
		t.Fatalf("%+v", d)
	}
	if x := d[0]; !x.Equal || x.NormA != 5 || *x.Difference != 0 || *x.Cosine != 1 {
		t.Errorf("equal: %+v", x)
	}
	if x := d[1]; x.Equal || *x.Cosine != 0 || *x.Difference < 1.414 || *x.Difference > 1.415 {
		t.Errorf("at right angles: %+v", x)
	}
	if x := d[2]; x.Difference != nil || x.Cosine != nil || x.Equal {
		t.Errorf("other shapes: %+v", x)
	}
	if d[3].ShapeB != nil || d[4].ShapeA != nil || d[4].Name != "new" {
		t.Errorf("on one side alone: %+v %+v", d[3], d[4])
	}
}
