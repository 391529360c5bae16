package checkpoint

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
)

// transfers is how many blobs are moved at once, at most.
const transfers = 8

// transit is how many bytes of blobs are in memory at once, beside the state.
const transit = blob.MaxObject

// moving is a set of transfers, bounded in number and in the bytes that they hold.
type moving struct {
	group *errgroup.Group
	ctx   context.Context //nolint:containedctx // lives as long as the transfers
	rooms chan []byte     // one for each transfer at once; nil until it is needed
	size  int64           // bytes of a room
}

// newMoving prepares transfers of at most so many bytes each.
func newMoving(ctx context.Context, largest int64) *moving {
	atOnce := int(min(transfers, max(1, transit/max(1, largest))))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	m := &moving{group: g, ctx: ctx, rooms: make(chan []byte, atOnce), size: largest}
	for range atOnce {
		m.rooms <- nil
	}
	return m
}

// start begins a transfer once fewer are under way than may be at once.
func (m *moving) start(transfer func(context.Context) error) {
	m.group.Go(func() error {
		if err := m.ctx.Err(); err != nil {
			return err // another transfer has failed
		}
		return transfer(m.ctx)
	})
}

// startIn is start for a transfer that works in a room of its own, of the
// largest size, with the bytes of another transfer still in it. The room is no
// longer the transfer's when that returns.
func (m *moving) startIn(transfer func(ctx context.Context, room []byte) error) {
	m.start(func(ctx context.Context) error {
		room := <-m.rooms
		if room == nil {
			room = make([]byte, m.size)
		}
		defer func() { m.rooms <- room }()
		return transfer(ctx, room)
	})
}

func (m *moving) wait() error { return m.group.Wait() }
