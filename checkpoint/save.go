package checkpoint

import (
	"context"
	"fmt"
	"sync"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// Save stores what state holds and m describes in the folder of a step, and
// says where everything lies. The fields of m that state has are filled in. Each
// chunk is read once; one that lies in one of the parent's places is referred
// to, not stored again. What no reader would take is refused before anything is
// stored, and nothing counts before a log entry names the result.
func Save(ctx context.Context, b blob.Bucket, id job.ID, folder job.Folder, m *Manifest, state *State, chunk int, parent []job.Place) (job.Checkpoint, error) {
	return DefaultLimits().Save(ctx, b, id, folder, m, state, chunk, parent)
}

// Save is Save within the limits.
func (l Limits) Save(ctx context.Context, b blob.Bucket, id job.ID, folder job.Folder, m *Manifest, state *State, chunk int, parent []job.Place) (job.Checkpoint, error) {
	s := &saving{bucket: b, prefix: id.StepPrefix(folder.Generation, folder.Step), folder: folder, places: map[blob.Digest]job.Place{}}
	for _, p := range parent {
		s.places[p.Digest] = p
	}
	c, err := s.save(ctx, l, m, m.describe(state, chunk))
	if err != nil {
		return job.Checkpoint{}, fmt.Errorf("save checkpoint of step %d: %w", m.Step, err)
	}
	return c, nil
}

// saving is a Save under way.
type saving struct {
	bucket blob.Bucket
	prefix string
	folder job.Folder

	mu     sync.Mutex // guards places
	places map[blob.Digest]job.Place
}

func (s *saving) save(ctx context.Context, l Limits, m *Manifest, all []chunk) (job.Checkpoint, error) {
	// A digest has one length, so the manifest has its size before it has its digests.
	unnamed, _, err := m.Encode()
	if err == nil {
		_, err = l.Decode(unnamed)
	}
	if err != nil {
		return job.Checkpoint{}, fmt.Errorf("it could not be read again: %w", err)
	}
	largest := int64(0)
	for i := range all {
		largest = max(largest, all[i].Size)
	}
	moving := newMoving(ctx, largest)
	for i := range all {
		moving.startIn(func(ctx context.Context, room []byte) error { return s.store(ctx, &all[i], room[:all[i].Size]) })
	}
	if err := moving.wait(); err != nil {
		return job.Checkpoint{}, err
	}
	c := job.Checkpoint{Step: m.Step, Folder: s.folder}
	for _, piece := range m.name(all) {
		c.Places = append(c.Places, s.places[piece.Digest])
	}
	var body []byte
	if body, c.Manifest, err = m.Encode(); err != nil {
		return job.Checkpoint{}, err
	}
	_, err = blob.PutContent(ctx, s.bucket, s.prefix+string(c.Manifest), body)
	return c, err
}

// store names a chunk, and stores it unless it lies somewhere already. The chunk
// is read into body, which has its size.
func (s *saving) store(ctx context.Context, c *chunk, body []byte) error {
	if err := c.array.read(body, c.from); err != nil {
		return err
	}
	c.Ref = blob.RefOf(body)
	s.mu.Lock()
	_, known := s.places[c.Digest]
	if !known {
		s.places[c.Digest] = job.Place{Digest: c.Digest, Size: c.Size, Folder: s.folder}
	}
	s.mu.Unlock()
	if known {
		return nil
	}
	_, err := blob.PutContent(ctx, s.bucket, s.prefix+string(c.Digest), body)
	return err
}
