package checkpoint

import (
	"crypto/sha256"
	"strings"

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
	all := m.describe(state, size)
	var hashing errgroup.Group
	hashing.SetLimit(hashers)
	for i := range all {
		hashing.Go(func() error {
			body, err := all[i].bytes()
			all[i].Ref = blob.RefOf(body)
			return err
		})
	}
	if err := hashing.Wait(); err != nil {
		return nil, err
	}
	image := &Image{chunks: m.name(all)}
	var err error
	image.Manifest, image.ID, err = m.Encode()
	return image, err
}

// describe fills in the fields of m that state has, and cuts the arrays into
// chunks of at most size bytes. The digests are still to be named.
func (m *Manifest) describe(state *State, size int) []chunk {
	m.Format = ManifestFormat
	unnamed := blob.Digest(strings.Repeat("0", 2*sha256.Size))
	var all []chunk
	describe := func(arrays []Array) []Tensor {
		var tensors []Tensor
		for i := range arrays {
			a := &arrays[i]
			t := Tensor{Name: a.Name, DType: a.dtype(), Shape: a.Shape, Chunks: []blob.Ref{}}
			for from := int64(0); from < a.size(); from += int64(size) {
				to := min(from+int64(size), a.size())
				ref := blob.Ref{Digest: unnamed, Size: to - from}
				all = append(all, chunk{Ref: ref, array: a, from: from, to: to})
				t.Chunks = append(t.Chunks, ref)
			}
			tensors = append(tensors, t)
		}
		return tensors
	}
	m.Weights, m.Reference, m.Optimizer.Tensors = describe(state.Weights), describe(state.Reference), describe(state.Optimizer)
	m.Control = state.Control
	return all
}

// name puts the digests of all chunks into m, and returns each chunk once.
func (m *Manifest) name(all []chunk) []chunk {
	var once []chunk
	named := make(map[blob.Digest]bool, len(all))
	next := 0
	for _, t := range m.tensors() {
		for i := range t.Chunks {
			t.Chunks[i] = all[next].Ref
			if !named[all[next].Digest] {
				named[all[next].Digest] = true
				once = append(once, all[next])
			}
			next++
		}
	}
	return once
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
// is false if neither has, or an array that lies elsewhere cannot be read.
func (i *Image) Object(d blob.Digest) (body []byte, ok bool) {
	if d == i.ID {
		return i.Manifest, true
	}
	for _, c := range i.chunks {
		if c.Digest == d {
			body, err := c.bytes()
			return body, err == nil
		}
	}
	return nil, false
}

// bytes is the little-endian form of the range.
func (c chunk) bytes() ([]byte, error) {
	body := make([]byte, c.to-c.from)
	return body, c.array.read(body, c.from)
}
