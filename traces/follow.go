package traces

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Follow hands the records of a topic to take as they come, until ctx ends or
// the topic is gone, which is no error: each partition's in their order, from
// where it begins or, with skip, from where it ends now. take is called by one
// at a time. What retention takes away before it was read is passed over.
func (t Topic) Follow(ctx context.Context, skip bool, take func([]Record) error) error {
	bounds, err := t.Log.Bounds(ctx, t.Name)
	if err == nil {
		var mu sync.Mutex // lets one partition at a time call take
		g, gctx := errgroup.WithContext(ctx)
		for p, b := range bounds {
			next := b.First
			if skip {
				next = b.End
			}
			g.Go(func() error {
				return t.followPartition(gctx, p, next, func(records []Record) error {
					mu.Lock()
					defer mu.Unlock()
					return take(records)
				})
			})
		}
		err = g.Wait()
	}
	select {
	case <-ctx.Done():
		return nil
	default:
	}
	if errors.Is(err, ErrGone) {
		return nil
	}
	return err
}

func (t Topic) followPartition(ctx context.Context, partition int, next int64, take func([]Record) error) error {
	for {
		records, err := t.Log.Fetch(ctx, t.Name, partition, next, fetchBytes)
		if errors.Is(err, ErrGone) {
			// The log begins later now, or is no more.
			bounds, looked := t.Log.Bounds(ctx, t.Name)
			if looked != nil || partition >= len(bounds) || bounds[partition].First <= next {
				return fmt.Errorf("follow %s/%d at %d: %w", t.Name, partition, next, errors.Join(err, looked))
			}
			next = bounds[partition].First
			continue
		}
		if err != nil {
			return fmt.Errorf("follow %s/%d at %d: %w", t.Name, partition, next, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if len(records) == 0 {
			continue // Fetch has waited.
		}
		if err := take(records); err != nil {
			return err
		}
		next = records[len(records)-1].Offset + 1
	}
}
