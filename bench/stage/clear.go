package stage

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
)

// Clear deletes everything in a store, also when ctx has ended.
func Clear(ctx context.Context, store blob.Bucket) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for info, err := range store.List(ctx, "", "") {
		if err != nil {
			return err
		}
		g.Go(func() error { return store.Delete(gctx, info.Key) })
	}
	return g.Wait()
}
