package worker

import (
	"context"
	"sync"
)

// shelfBytes is about how much memory each shelf of a worker takes, beyond the
// one thing that was put there last.
const shelfBytes = 128 << 20

// shelf keeps what was read and never changes, by name, while there is room:
// what came first goes first.
type shelf[T any] struct {
	errands *errands[T]
	mu      sync.Mutex // guards what follows
	room    int64
	kept    map[string]kept[T]
	order   []string
}

// kept is a thing on a shelf, and about how many bytes it takes.
type kept[T any] struct {
	value T
	size  int64
}

func newShelf[T any](room int64) *shelf[T] {
	return &shelf[T]{errands: newErrands[T](), room: room, kept: map[string]kept[T]{}}
}

// get returns the thing of a name, which fetch reads if it is not there, with
// about how many bytes it takes.
func (s *shelf[T]) get(ctx context.Context, name string, fetch func(context.Context) (T, int64, error)) (T, error) {
	if value, ok := s.find(name); ok {
		return value, nil
	}
	return s.errands.do(ctx, name, func(ctx context.Context) (T, error) {
		if value, ok := s.find(name); ok {
			return value, nil // another errand has put it there meanwhile
		}
		value, size, err := fetch(ctx)
		if err == nil {
			s.keep(name, kept[T]{value, size})
		}
		return value, err
	})
}

func (s *shelf[T]) find(name string) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.kept[name]
	return k.value, ok
}

func (s *shelf[T]) keep(name string, k kept[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.order) > 0 && s.room < k.size {
		s.room += s.kept[s.order[0]].size
		delete(s.kept, s.order[0])
		s.order = s.order[1:]
	}
	s.room -= k.size
	s.kept[name], s.order = k, append(s.order, name)
}
