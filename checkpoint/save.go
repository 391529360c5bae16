package checkpoint

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// transfers is how many blobs are moved at once.
const transfers = 8

// Save stores what state holds and m describes in the folder of a step, and
// says where everything lies. The fields of m that state has are filled in.
// A chunk that lies in one of the parent's places is referred to, not stored
// again. Nothing counts before a log entry names the result.
func Save(ctx context.Context, b blob.Bucket, id job.ID, folder job.Folder, m *Manifest, state *State, chunk int, parent []job.Place) (job.Checkpoint, error) {
	known := make(map[blob.Digest]job.Place, len(parent))
	for _, p := range parent {
		known[p.Digest] = p
	}
	c := job.Checkpoint{Step: m.Step, Folder: folder}
	placed := map[blob.Digest]bool{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(transfers)
	prefix := id.StepPrefix(folder.Generation, folder.Step)
	describe := func(arrays []Array) []Tensor {
		var tensors []Tensor
		for _, a := range arrays {
			t, pieces := a.describe(chunk)
			tensors = append(tensors, t)
			for i, ref := range t.Chunks {
				if placed[ref.Digest] {
					continue
				}
				placed[ref.Digest] = true
				if p, ok := known[ref.Digest]; ok {
					c.Places = append(c.Places, p)
					continue
				}
				c.Places = append(c.Places, job.Place{Digest: ref.Digest, Size: ref.Size, Folder: folder})
				piece := pieces[i]
				g.Go(func() error { return put(gctx, b, prefix, piece) })
			}
		}
		return tensors
	}
	m.Format = ManifestFormat
	m.Weights, m.Reference, m.Optimizer.Tensors = describe(state.Weights), describe(state.Reference), describe(state.Optimizer)
	m.Control = state.Control
	body, digest, err := m.Encode()
	if err == nil {
		c.Manifest = digest
		g.Go(func() error { return put(gctx, b, prefix, body) })
	}
	if putErr := g.Wait(); err == nil {
		err = putErr
	}
	if err != nil {
		return job.Checkpoint{}, fmt.Errorf("save checkpoint of step %d: %w", m.Step, err)
	}
	return c, nil
}

// put stores content under its own digest.
func put(ctx context.Context, b blob.Bucket, prefix string, body []byte) error {
	_, err := blob.PutContent(ctx, b, prefix+string(blob.DigestOf(body)), body)
	return err
}
