package checkpoint

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/policy/safetensors"
)

// Export writes the weights of a checkpoint to w as a safetensors file, every
// byte verified before it is written. It holds a few chunks, never the weights.
// What is in w after an error is of no use.
func Export(ctx context.Context, b blob.Bucket, id job.ID, c job.Checkpoint, w io.WriterAt) (*Manifest, error) {
	m, err := LoadManifest(ctx, b, id, c)
	if err != nil {
		return nil, err
	}
	entries := make([]safetensors.Entry, len(m.Weights))
	for i, t := range m.Weights {
		if t.DType != "F32" {
			return nil, fmt.Errorf("%w: weights %q are not of type F32", ErrInvalid, t.Name)
		}
		entries[i] = safetensors.Entry{Name: t.Name, Shape: t.Shape}
	}
	header, err := safetensors.Plan(entries, map[string]string{
		"checkpoint": string(c.Manifest), "step": fmt.Sprint(m.Step), "kind": string(m.Shape.Kind),
		"numerics": m.Numerics, "training": string(m.Training), "job": string(id),
	})
	if err != nil {
		return nil, fmt.Errorf("export weights of step %d: %w", c.Step, err)
	}
	var head bytes.Buffer
	if err := safetensors.WriteHeader(&head, header); err != nil {
		return nil, fmt.Errorf("export weights of step %d: %w", c.Step, err)
	}
	begin := int64(head.Len())
	if _, err := w.WriteAt(head.Bytes(), 0); err != nil {
		return nil, fmt.Errorf("export weights of step %d: %w", c.Step, err)
	}
	err = readTensors(ctx, b, id, c.Places, m.Weights, func(i int, at int64, body []byte) error {
		_, err := w.WriteAt(body, begin+header.Entries[i].Begin+at)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("export weights of step %d: %w", c.Step, err)
	}
	return m, nil
}
