package checkpoint

import (
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
)

// An Image is a checkpoint as the objects that hold it: a manifest, and the
// chunks that it names. It shares the memory of the state that it was made
// from, which must not change while the image is in use.
type Image struct {
	Manifest []byte      // canonical
	ID       blob.Digest // of the manifest: the checkpoint's id
	chunks   []chunk     // each once, in the manifest's order
}

// chunk is a range of the bytes of an array.
type chunk struct {
	blob.Ref
	array    *Array
	from, to int64
}

// NewImage is the image of what state holds and m describes, in chunks of at
// most size bytes. The fields of m that state has are filled in. It is pure:
// equal state gives equal bytes.
func NewImage(m *Manifest, state *State, size int) (*Image, error) {
	m.Format = ManifestFormat
	var all []chunk
	describe := func(arrays []Array) []Tensor {
		var tensors []Tensor
		for i := range arrays {
			a := &arrays[i]
			t := Tensor{Name: a.Name, DType: a.dtype(), Shape: a.Shape, Chunks: []blob.Ref{}}
			for from := int64(0); from < a.size(); from += int64(size) {
				all = append(all, chunk{array: a, from: from, to: min(from+int64(size), a.size())})
				t.Chunks = append(t.Chunks, blob.Ref{})
			}
			tensors = append(tensors, t)
		}
		return tensors
	}
	m.Weights, m.Reference, m.Optimizer.Tensors = describe(state.Weights), describe(state.Reference), describe(state.Optimizer)
	m.Control = state.Control
	var hashing errgroup.Group
	hashing.SetLimit(hashers)
	for i := range all {
		hashing.Go(func() error {
			all[i].Ref = blob.RefOf(all[i].bytes())
			return nil
		})
	}
	_ = hashing.Wait() // Hashing does not fail.
	image := &Image{}
	placed := make(map[blob.Digest]bool, len(all))
	next := 0
	for _, t := range m.tensors() {
		for i := range t.Chunks {
			t.Chunks[i] = all[next].Ref
			if !placed[all[next].Digest] {
				placed[all[next].Digest] = true
				image.chunks = append(image.chunks, all[next])
			}
			next++
		}
	}
	var err error
	image.Manifest, image.ID, err = m.Encode()
	return image, err
}

// hashers is how many chunks are hashed at once.
const hashers = 4

// Chunks names the chunks, each once, in the order of the manifest.
func (i *Image) Chunks() []blob.Ref {
	refs := make([]blob.Ref, len(i.chunks))
	for n, c := range i.chunks {
		refs[n] = c.Ref
	}
	return refs
}

// Object is the content of the manifest or of the chunk that has the digest; ok
// is false if neither has.
func (i *Image) Object(d blob.Digest) (body []byte, ok bool) {
	if d == i.ID {
		return i.Manifest, true
	}
	for _, c := range i.chunks {
		if c.Digest == d {
			return c.bytes(), true
		}
	}
	return nil, false
}

// bytes is the little-endian form of the range.
func (c chunk) bytes() []byte {
	body := make([]byte, c.to-c.from)
	c.array.read(body, c.from)
	return body
}

// check says what of the image no reader would take.
func (i *Image) check(l Limits) error {
	if _, err := l.Decode(i.Manifest); err != nil {
		return fmt.Errorf("it could not be read again: %w", err)
	}
	return nil
}
