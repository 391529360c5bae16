package checkpoint_test

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/fs"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
)

func TestWhatWasSavedIsLoaded(t *testing.T) {
	t.Parallel()
	disk, err := fs.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]blob.Bucket{"mem": mem.New(), "fs": disk} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state, m := stateOf(1), manifestOf(3)
			c, err := checkpoint.Save(t.Context(), b, "j", job.Folder{Generation: 2, Step: 3}, m, state, small, nil)
			if err != nil {
				t.Fatal(err)
			}
			read, loaded, err := checkpoint.Load(t.Context(), b, "j", c)
			if err != nil || !reflect.DeepEqual(read, m) || !reflect.DeepEqual(loaded, state) {
				t.Errorf("manifest %+v, state %+v, %v", read, loaded, err)
			}
			_, weights, err := checkpoint.LoadWeights(t.Context(), b, "j", c)
			if err != nil || !reflect.DeepEqual(weights, state.Weights) {
				t.Errorf("weights %+v, %v", weights, err)
			}
			if read.Digest() != c.Manifest || c.Step != 3 {
				t.Errorf("checkpoint %+v of manifest %s", c, read.Digest())
			}
		})
	}
}

func TestStateWithoutReferenceOrOptimizer(t *testing.T) {
	t.Parallel()
	b := mem.New()
	state := &checkpoint.State{Weights: stateOf(1).Weights}
	_, loaded, err := checkpoint.Load(t.Context(), b, "j", save(t, b, "j", 1, state, nil))
	if err != nil || !reflect.DeepEqual(loaded, state) {
		t.Errorf("state %+v, %v", loaded, err)
	}
}

func TestIdDependsOnNeitherJobNorFolderNorParentsPlaces(t *testing.T) {
	t.Parallel()
	b := mem.New()
	first := save(t, b, "a", 1, stateOf(1), nil)
	for name, folder := range map[string]job.Folder{"job": {Step: 1}, "folder": {Generation: 4, Step: 9}} {
		c, err := checkpoint.Save(t.Context(), b, "b", folder, manifestOf(1), stateOf(1), small, nil)
		if err != nil || c.Manifest != first.Manifest {
			t.Errorf("another %s gives id %s, not %s, %v", name, c.Manifest, first.Manifest, err)
		}
	}
	if c := save(t, b, "a", 1, stateOf(1), first.Places); c.Manifest != first.Manifest {
		t.Errorf("with a parent the id is %s, not %s", c.Manifest, first.Manifest)
	}
	m := manifestOf(1)
	m.Parent = first.Manifest
	if c, err := checkpoint.Save(t.Context(), b, "a", job.Folder{Step: 1}, m, stateOf(1), small, nil); err != nil || c.Manifest == first.Manifest {
		t.Errorf("another parent gives the same id, %v", err)
	}
}

func TestUnchangedChunksAreReferredTo(t *testing.T) {
	t.Parallel()
	b := mem.New()
	first := save(t, b, "j", 1, stateOf(1), nil)
	next := stateOf(1)
	next.Weights[0].F32[0] = 42 // in the first of two chunks
	second := save(t, b, "j", 2, next, first.Places)
	stored := keys(t, b, job.ID("j").StepPrefix(0, 2))
	if len(stored) != 2 {
		t.Errorf("step 2 stored %q, want its manifest and one chunk", stored)
	}
	_, loaded, err := checkpoint.Load(t.Context(), b, "j", second)
	if err != nil || !reflect.DeepEqual(loaded, next) {
		t.Errorf("state %+v, %v", loaded, err)
	}
	folders := map[int]int{}
	for _, p := range second.Places {
		folders[p.Folder.Step]++
	}
	if folders[1] != len(second.Places)-1 || folders[2] != 1 {
		t.Errorf("places %+v", second.Places)
	}
}

func TestEachChunkIsNamedOnce(t *testing.T) {
	t.Parallel()
	b := mem.New()
	zeros := make([]float32, 100)
	c := save(t, b, "j", 1, &checkpoint.State{
		Weights:   []checkpoint.Array{{Name: "w", Shape: []int{100}, F32: zeros}},
		Optimizer: []checkpoint.Array{{Name: "m", Shape: []int{100}, F32: zeros}},
	}, nil)
	if len(c.Places) != 2 { // whole chunks, and what is left
		t.Errorf("places %+v", c.Places)
	}
}

func TestSaveIsSafeToRepeat(t *testing.T) {
	t.Parallel()
	b := mem.New()
	first := save(t, b, "j", 1, stateOf(1), nil)
	before := keys(t, b, "")
	if second := save(t, b, "j", 1, stateOf(1), nil); !reflect.DeepEqual(first, second) || !reflect.DeepEqual(before, keys(t, b, "")) {
		t.Errorf("checkpoints %+v and %+v", first, second)
	}
}

func TestFailedPutIsAnError(t *testing.T) {
	t.Parallel()
	for _, fault := range []blobtest.Fault{{Before: blob.ErrDenied}, {After: blob.ErrDenied}} {
		b := blobtest.NewFaulty(mem.New(), func(op, _ string) blobtest.Fault {
			if op == "put" {
				return fault
			}
			return blobtest.Fault{}
		})
		c, err := checkpoint.Save(t.Context(), b, "j", job.Folder{Step: 1}, manifestOf(1), stateOf(1), small, nil)
		if !errors.Is(err, blob.ErrDenied) || c.Manifest != "" {
			t.Errorf("checkpoint %+v, %v", c, err)
		}
	}
}

// TestEveryFlippedByteIsFound flips each byte of the manifest and of each
// chunk, in turn; the error names the object.
func TestEveryFlippedByteIsFound(t *testing.T) {
	t.Parallel()
	b := mem.New()
	c := save(t, b, "j", 1, stateOf(1), nil)
	for _, key := range keys(t, b, "") {
		whole, err := b.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		for i := range whole.Body {
			body := append([]byte(nil), whole.Body...)
			body[i] ^= 1
			put(t, b, key, body)
			_, _, err := checkpoint.Load(t.Context(), b, "j", c)
			if !errors.Is(err, blob.ErrCorrupt) || !strings.Contains(err.Error(), key[strings.LastIndexByte(key, '/')+1:]) {
				t.Fatalf("byte %d of %s flipped: %v", i, key, err)
			}
		}
		put(t, b, key, whole.Body[:len(whole.Body)-1])
		if _, _, err := checkpoint.Load(t.Context(), b, "j", c); !errors.Is(err, blob.ErrCorrupt) {
			t.Errorf("%s cut short: %v", key, err)
		}
		put(t, b, key, whole.Body)
	}
	if _, _, err := checkpoint.Load(t.Context(), b, "j", c); err != nil {
		t.Errorf("mended: %v", err)
	}
}

func TestMissingObjectIsNotFound(t *testing.T) {
	t.Parallel()
	b := mem.New()
	c := save(t, b, "j", 1, stateOf(1), nil)
	if err := b.Delete(t.Context(), job.ID("j").StepPrefix(0, 1)+string(c.Places[0].Digest)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := checkpoint.Load(t.Context(), b, "j", c); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("error is %v, want ErrNotFound", err)
	}
	c.Places = c.Places[1:]
	if _, _, err := checkpoint.Load(t.Context(), b, "j", c); !errors.Is(err, checkpoint.ErrInvalid) {
		t.Errorf("a chunk without a place: %v, want ErrInvalid", err)
	}
}

func put(t *testing.T, b blob.Bucket, key string, body []byte) {
	t.Helper()
	if _, err := b.Put(t.Context(), key, body, blob.Always()); err != nil {
		t.Fatal(err)
	}
}

// Elements that lie in a file are stored as those in memory are, chunk by chunk.
func TestStateThatLiesElsewhereHasTheSameCheckpoint(t *testing.T) {
	t.Parallel()
	elements := make([]float32, 1000)
	bytes := make([]byte, 4*len(elements))
	for i := range elements {
		elements[i] = float32(i) / 7
		binary.LittleEndian.PutUint32(bytes[4*i:], math.Float32bits(elements[i]))
	}
	path := filepath.Join(t.TempDir(), "elements")
	if err := os.WriteFile(path, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	b, shape := mem.New(), []int{10, 100}
	save := func(a checkpoint.Array) job.Checkpoint {
		a.Name, a.Shape = "w", shape
		c, err := checkpoint.Save(t.Context(), b, "j", job.Folder{Step: 1}, manifestOf(1), &checkpoint.State{Weights: []checkpoint.Array{a}}, 333, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	memory := save(checkpoint.Array{F32: elements})
	elsewhere := save(checkpoint.Array{Elsewhere: &checkpoint.Elsewhere{DType: "F32", Bytes: file}})
	if !reflect.DeepEqual(memory, elsewhere) {
		t.Errorf("from memory %+v, from a file %+v", memory, elsewhere)
	}
	shape = []int{10, 101}
	short := checkpoint.Array{Name: "w", Shape: shape, Elsewhere: &checkpoint.Elsewhere{DType: "F32", Bytes: file}}
	if _, err := checkpoint.Save(t.Context(), b, "j", job.Folder{Step: 1}, manifestOf(1), &checkpoint.State{Weights: []checkpoint.Array{short}}, 333, nil); err == nil || !strings.Contains(err.Error(), `tensor "w"`) {
		t.Errorf("a file that is too short: %v", err)
	}
}
