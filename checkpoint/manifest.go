// Package checkpoint turns training state into content-addressed objects and
// back. A checkpoint's id is the SHA-256 of its manifest, and the manifest
// names everything that it is by hash: weights, optimizer state, the batch it
// learnt from, and its parent.
package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/policy"
)

// ManifestFormat is the format of manifests.
const ManifestFormat = "cohort.manifest/1"

// ErrInvalid says that bytes are no manifest, or one that contradicts itself.
var ErrInvalid = errors.New("invalid manifest")

// A Manifest is what a checkpoint is. It holds nothing that depends on where,
// when or by whom the work was done, so equal work has an equal id.
type Manifest struct {
	Format    string       `json:"format"`
	Training  blob.Digest  `json:"training"`
	Numerics  string       `json:"numerics"`
	Step      int          `json:"step"`
	Parent    blob.Digest  `json:"parent,omitempty"`
	Batch     blob.Digest  `json:"batch,omitempty"`
	Shape     policy.Shape `json:"shape"`
	Weights   []Tensor     `json:"weights"`
	Reference []Tensor     `json:"reference,omitempty"`
	Optimizer Optimizer    `json:"optimizer"`
	Control   *Control     `json:"control,omitempty"`
}

// Optimizer is the state of an optimizer: how many updates it made, and its
// tensors.
type Optimizer struct {
	Kind    string   `json:"kind"`
	Updates int      `json:"updates"`
	Tensors []Tensor `json:"tensors,omitempty"`
}

// A Tensor is named little-endian numbers, cut into chunks. DType is F32 or F64.
type Tensor struct {
	Name   string     `json:"name"`
	DType  string     `json:"dtype"`
	Shape  []int      `json:"shape"`
	Chunks []blob.Ref `json:"chunks"`
}

// Encode is the manifest's canonical form and the checkpoint's id, its hash.
func (m *Manifest) Encode() ([]byte, blob.Digest, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, "", fmt.Errorf("encode manifest: %w", err)
	}
	return body, blob.DigestOf(body), nil
}

// Decode reads a manifest strictly, within the default limits: what Encode
// would not write is refused.
func Decode(body []byte) (*Manifest, error) { return DefaultLimits().Decode(body) }

// Decode reads a manifest strictly: what Encode would not write is refused, and
// so is what exceeds the limits.
func (l Limits) Decode(body []byte) (*Manifest, error) {
	if int64(len(body)) > l.Manifest {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrInvalid, len(body), l.Manifest)
	}
	m := new(Manifest)
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if m.Format != ManifestFormat {
		return nil, fmt.Errorf("%w: format %q, this build reads %q", ErrInvalid, m.Format, ManifestFormat)
	}
	if m.Step < 0 || m.Optimizer.Updates < 0 {
		return nil, fmt.Errorf("%w: step %d after %d updates", ErrInvalid, m.Step, m.Optimizer.Updates)
	}
	canonical, _, err := m.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(canonical, body) {
		return nil, fmt.Errorf("%w: not in canonical form", ErrInvalid)
	}
	return m, l.check(m)
}

// tensors lists all tensors in the order of the manifest.
func (m *Manifest) tensors() []Tensor {
	var all []Tensor
	all = append(all, m.Weights...)
	all = append(all, m.Reference...)
	return append(all, m.Optimizer.Tensors...)
}

// Chunks names the chunks of all tensors, in the order of the manifest.
func (m *Manifest) Chunks() []blob.Ref {
	var refs []blob.Ref
	for _, t := range m.tensors() {
		refs = append(refs, t.Chunks...)
	}
	return refs
}

// size is the number of bytes of the tensor's elements; -1 for an unknown type
// or a size beyond all bounds.
func (t Tensor) size() int64 {
	n := int64(width(t.DType))
	for _, d := range t.Shape {
		if d < 0 || n < 0 || (d > 0 && n > (1<<50)/int64(d)) {
			return -1
		}
		n *= int64(d)
	}
	return n
}

// check refuses a tensor whose chunks do not make it up, or are larger than limit.
func (t Tensor) check(limit int64) error {
	size := t.size()
	for _, c := range t.Chunks {
		if _, err := blob.ParseDigest(string(c.Digest)); err != nil {
			return fmt.Errorf("%w: tensor %q: %w", ErrInvalid, t.Name, err)
		}
		if c.Size <= 0 || c.Size > limit {
			return fmt.Errorf("%w: tensor %q: a chunk of %d bytes", ErrInvalid, t.Name, c.Size)
		}
		size -= c.Size
	}
	if size != 0 || width(t.DType) == 0 {
		return fmt.Errorf("%w: tensor %q: its chunks do not add up to type %s and shape %v", ErrInvalid, t.Name, t.DType, t.Shape)
	}
	return nil
}

// width is the number of bytes of an element, 0 for an unknown type.
func width(dtype string) int {
	switch dtype {
	case "F32":
		return 4
	case "F64":
		return 8
	}
	return 0
}

// Digest is the checkpoint's id.
func (m *Manifest) Digest() blob.Digest {
	_, digest, err := m.Encode()
	if err != nil {
		return ""
	}
	return digest
}
