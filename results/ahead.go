package results

import (
	"context"
	"iter"
	"sync"
)

// ahead calls fetch for 0..n-1 and hands the answers over in order. Up to width
// calls run at once, so a store that is far away costs its latency once, and no
// more than width answers are held. It stops at the first error; no call
// outlives the loop.
func ahead[T any](ctx context.Context, n, width int, fetch func(ctx context.Context, i int) (T, error)) iter.Seq2[T, error] {
	type answer struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var calls sync.WaitGroup
		defer calls.Wait()
		defer cancel()
		slots := make([]chan answer, width)
		begin := func(i int) {
			if i >= n {
				return
			}
			slot := make(chan answer, 1)
			slots[i%width] = slot
			calls.Go(func() {
				value, err := fetch(ctx, i)
				slot <- answer{value, err}
			})
		}
		for i := range width {
			begin(i)
		}
		for i := range n {
			a := <-slots[i%width]
			begin(i + width)
			if !yield(a.value, a.err) || a.err != nil {
				return
			}
		}
	}
}
