package receiver

import "sync/atomic"

// A budget bounds the bytes that all requests have in memory.
type budget struct{ left atomic.Int64 }

func newBudget(n int64) *budget {
	b := &budget{}
	b.left.Store(n)
	return b
}

// take takes n bytes, or says that there are not as many.
func (b *budget) take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

// A share is what one request has taken.
type share struct {
	of    *budget
	taken int64
}

// grow makes the share at least n bytes, or says that it cannot.
func (s *share) grow(n int64) bool {
	if n <= s.taken {
		return true
	}
	if !s.of.take(n - s.taken) {
		return false
	}
	s.taken = n
	return true
}

// release gives everything back.
func (s *share) release() {
	s.of.left.Add(s.taken)
	s.taken = 0
}
