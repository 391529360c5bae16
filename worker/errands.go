package worker

import (
	"context"
	"sync"
)

// errands are reads that several hands want at once: each is done once, for all
// of them alike, and goes on while one of them waits, whoever asked first.
type errands[T any] struct {
	mu    sync.Mutex // guards what follows
	under map[string]*errand[T]
}

type errand[T any] struct {
	waiting int // guarded by the errands
	stop    context.CancelFunc
	done    chan struct{}
	value   T // valid once done, like err
	err     error
}

func newErrands[T any]() *errands[T] { return &errands[T]{under: map[string]*errand[T]{}} }

// do returns what fetch reads. Nothing of it goes on once nobody waits.
func (s *errands[T]) do(ctx context.Context, name string, fetch func(context.Context) (T, error)) (T, error) {
	e := s.join(name, fetch) //nolint:contextcheck // the errand is not the caller's: it goes on while anybody waits
	select {
	case <-e.done:
		return e.value, e.err
	case <-ctx.Done():
		s.leave(name, e)
		var none T
		return none, ctx.Err()
	}
}

// join waits for the errand of a name, which begins if it is not under way; it
// belongs to nobody.
func (s *errands[T]) join(name string, fetch func(context.Context) (T, error)) *errand[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.under[name]; e != nil {
		e.waiting++
		return e
	}
	ctx, stop := context.WithCancel(context.Background())
	e := &errand[T]{waiting: 1, stop: stop, done: make(chan struct{})}
	s.under[name] = e
	go func() {
		defer close(e.done)
		defer stop()
		e.value, e.err = fetch(ctx)
		s.forget(name, e)
	}()
	return e
}

// leave waits no longer; the last to leave ends the errand and waits for its end.
func (s *errands[T]) leave(name string, e *errand[T]) {
	s.mu.Lock()
	e.waiting--
	last := e.waiting == 0
	s.mu.Unlock()
	if last {
		s.forget(name, e) // whoever comes next begins anew
		e.stop()
		<-e.done
	}
}

func (s *errands[T]) forget(name string, e *errand[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.under[name] == e {
		delete(s.under, name)
	}
}
