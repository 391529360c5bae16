package reward

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// each scores the items one by one, a few at a time.
func each(ctx context.Context, items []Item, score func(context.Context, Item) (Score, error)) ([]Score, error) {
	scores := make([]Score, len(items))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	for i, item := range items {
		g.Go(func() (err error) {
			scores[i], err = score(gctx, item)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return scores, nil
}
