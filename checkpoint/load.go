package checkpoint

import (
	"context"
	"fmt"
	"sync"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// LoadManifest returns the manifest of a checkpoint of job id, verified
// against the checkpoint's id.
func LoadManifest(ctx context.Context, b blob.Bucket, id job.ID, c job.Checkpoint) (*Manifest, error) {
	return DefaultLimits().loadManifest(ctx, b, id, c)
}

func (l Limits) loadManifest(ctx context.Context, b blob.Bucket, id job.ID, c job.Checkpoint) (*Manifest, error) {
	key := id.StepPrefix(c.Folder.Generation, c.Folder.Step) + string(c.Manifest)
	body, err := blob.GetContent(ctx, b, key, c.Manifest)
	if err != nil {
		return nil, fmt.Errorf("load manifest of step %d: %w", c.Step, err)
	}
	return l.Decode(body)
}

// Load returns a checkpoint's manifest and state, every byte of them verified.
func Load(ctx context.Context, b blob.Bucket, id job.ID, c job.Checkpoint) (*Manifest, *State, error) {
	return DefaultLimits().Load(ctx, b, id, c)
}

// Load is Load within the limits: what exceeds them is ErrInvalid, before any
// of it is read.
func (l Limits) Load(ctx context.Context, b blob.Bucket, id job.ID, c job.Checkpoint) (*Manifest, *State, error) {
	m, err := l.loadManifest(ctx, b, id, c)
	if err != nil {
		return nil, nil, err
	}
	state := &State{Control: m.Control}
	for _, part := range []struct {
		to   *[]Array
		from []Tensor
	}{{&state.Weights, m.Weights}, {&state.Reference, m.Reference}, {&state.Optimizer, m.Optimizer.Tensors}} {
		if *part.to, err = loadTensors(ctx, b, id, c.Places, part.from); err != nil {
			return nil, nil, fmt.Errorf("load checkpoint of step %d: %w", c.Step, err)
		}
	}
	return m, state, nil
}

// LoadWeights returns the weights of a checkpoint alone.
func LoadWeights(ctx context.Context, b blob.Bucket, id job.ID, c job.Checkpoint) (*Manifest, []Array, error) {
	m, err := LoadManifest(ctx, b, id, c)
	if err != nil {
		return nil, nil, err
	}
	weights, err := loadTensors(ctx, b, id, c.Places, m.Weights)
	if err != nil {
		return nil, nil, fmt.Errorf("load weights of step %d: %w", c.Step, err)
	}
	return m, weights, nil
}

func loadTensors(ctx context.Context, b blob.Bucket, id job.ID, places []job.Place, tensors []Tensor) ([]Array, error) {
	if len(tensors) == 0 {
		return nil, nil
	}
	arrays := make([]Array, len(tensors))
	for i, t := range tensors {
		arrays[i] = t.array()
	}
	var edge sync.Mutex
	err := readTensors(ctx, b, id, places, tensors, func(i int, at int64, body []byte) error {
		arrays[i].write(body, at, &edge)
		return nil
	})
	return arrays, err
}

// readTensors hands the bytes of tensors to take, chunk by chunk, each
// verified: which tensor, from which byte on. take is called from several
// goroutines at once, and may not keep the bytes.
func readTensors(ctx context.Context, b blob.Bucket, id job.ID, places []job.Place, tensors []Tensor, take func(tensor int, at int64, body []byte) error) error {
	where := make(map[blob.Digest]job.Folder, len(places))
	for _, p := range places {
		where[p.Digest] = p.Folder
	}
	largest := int64(0)
	for _, t := range tensors {
		for _, ref := range t.Chunks {
			largest = max(largest, ref.Size)
		}
	}
	moving := newMoving(ctx, largest)
	for i, t := range tensors {
		at := int64(0)
		for _, ref := range t.Chunks {
			begin := at
			at += ref.Size
			moving.start(func(ctx context.Context) error {
				folder, ok := where[ref.Digest]
				if !ok {
					return fmt.Errorf("%w: tensor %q: no place is named for chunk %s", ErrInvalid, t.Name, ref.Digest)
				}
				body, err := blob.GetContent(ctx, b, id.StepPrefix(folder.Generation, folder.Step)+string(ref.Digest), ref.Digest)
				if err != nil {
					return fmt.Errorf("tensor %q: %w", t.Name, err)
				}
				if int64(len(body)) != ref.Size {
					return fmt.Errorf("%w: tensor %q: chunk %s has %d bytes, the manifest says %d", ErrInvalid, t.Name, ref.Digest, len(body), ref.Size)
				}
				return take(i, begin, body)
			})
		}
	}
	return moving.wait()
}
