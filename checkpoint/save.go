package checkpoint

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// transfers is how many blobs are moved at once.
const transfers = 8

// transit is how many bytes of blobs are in memory at once, beside the state.
const transit = blob.MaxObject

// Save stores what state holds and m describes in the folder of a step, and
// says where everything lies. The fields of m that state has are filled in.
// A chunk that lies in one of the parent's places is referred to, not stored
// again. What no reader would take is refused before anything is stored, and
// nothing counts before a log entry names the result.
func Save(ctx context.Context, b blob.Bucket, id job.ID, folder job.Folder, m *Manifest, state *State, chunk int, parent []job.Place) (job.Checkpoint, error) {
	return DefaultLimits().Save(ctx, b, id, folder, m, state, chunk, parent)
}

// Save is Save within the limits.
func (l Limits) Save(ctx context.Context, b blob.Bucket, id job.ID, folder job.Folder, m *Manifest, state *State, chunk int, parent []job.Place) (job.Checkpoint, error) {
	image, err := NewImage(m, state, chunk)
	if err == nil {
		err = image.check(l)
	}
	if err != nil {
		return job.Checkpoint{}, fmt.Errorf("save checkpoint of step %d: %w", m.Step, err)
	}
	known := make(map[blob.Digest]job.Place, len(parent))
	for _, p := range parent {
		known[p.Digest] = p
	}
	c := job.Checkpoint{Step: m.Step, Manifest: image.ID, Folder: folder}
	prefix := id.StepPrefix(folder.Generation, folder.Step)
	moving := newMoving(ctx)
	moving.start(int64(len(image.Manifest)), func(ctx context.Context) error {
		return put(ctx, b, prefix, image.ID, image.Manifest)
	})
	for _, piece := range image.chunks {
		if p, ok := known[piece.Digest]; ok {
			c.Places = append(c.Places, p)
			continue
		}
		c.Places = append(c.Places, job.Place{Digest: piece.Digest, Size: piece.Size, Folder: folder})
		moving.start(piece.Size, func(ctx context.Context) error {
			return put(ctx, b, prefix, piece.Digest, piece.bytes())
		})
	}
	if err := moving.wait(); err != nil {
		return job.Checkpoint{}, fmt.Errorf("save checkpoint of step %d: %w", m.Step, err)
	}
	return c, nil
}

// put stores content under its own digest.
func put(ctx context.Context, b blob.Bucket, prefix string, digest blob.Digest, body []byte) error {
	_, err := blob.PutContent(ctx, b, prefix+string(digest), body)
	return err
}

// moving is a set of transfers, bounded in number and in the bytes that they hold.
type moving struct {
	group *errgroup.Group
	ctx   context.Context //nolint:containedctx // lives as long as the transfers
	bytes *semaphore.Weighted
}

func newMoving(ctx context.Context) *moving {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(transfers)
	return &moving{group: g, ctx: ctx, bytes: semaphore.NewWeighted(transit)}
}

// start begins a transfer of some bytes once there is room for it.
func (m *moving) start(size int64, transfer func(context.Context) error) {
	m.group.Go(func() error {
		if err := m.bytes.Acquire(m.ctx, size); err != nil {
			return err
		}
		defer m.bytes.Release(size)
		return transfer(m.ctx)
	})
}

func (m *moving) wait() error { return m.group.Wait() }
