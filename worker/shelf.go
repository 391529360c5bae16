package worker

import "context"

// shelfBytes is about how much memory each shelf of a worker takes, beyond the
// one thing that was put there last.
const shelfBytes = 128 << 20

// shelf keeps what was read and never changes, by name, while there is room:
// what came first goes first. What is being read by one hand the others wait
// for, and whoever waits can be told to stop.
type shelf[T any] struct {
	// turn holds an element while a hand looks at what follows.
	turn  chan struct{}
	room  int64
	kept  map[string]kept[T]
	order []string
}

// kept is a thing on a shelf, and about how many bytes it takes.
type kept[T any] struct {
	value T
	size  int64
}

func newShelf[T any](room int64) *shelf[T] {
	return &shelf[T]{turn: make(chan struct{}, 1), room: room, kept: map[string]kept[T]{}}
}

// get returns the thing of a name, which fetch reads if it is not there.
func (s *shelf[T]) get(ctx context.Context, name string, fetch func() (T, int64, error)) (T, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
	defer func() { <-s.turn }()
	if k, ok := s.kept[name]; ok {
		return k.value, nil
	}
	value, size, err := fetch()
	if err != nil {
		return value, err
	}
	for len(s.order) > 0 && s.room < size {
		s.room += s.kept[s.order[0]].size
		delete(s.kept, s.order[0])
		s.order = s.order[1:]
	}
	s.room -= size
	s.kept[name], s.order = kept[T]{value, size}, append(s.order, name)
	return value, nil
}
