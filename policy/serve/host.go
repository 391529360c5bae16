package serve

import (
	"container/list"
	"fmt"
	"runtime"
	"sync"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/policy"
)

// Host holds the policies that are served, by the digest of their weights. When
// it is full, a new one takes the place of the one that was asked for longest
// ago. It is safe for concurrent use.
type Host struct {
	limit   int
	running chan struct{} // holds one element for each forward pass under way
	memory  sync.Pool     // of *policy.Activations

	mu      sync.Mutex // guards what follows
	recent  *list.List // of *entry, the latest first
	entries map[blob.Digest]*list.Element
}

type entry struct {
	digest blob.Digest
	policy policy.Policy
}

// NewHost returns a host of at most limit policies, at least one. The limit
// should exceed the number of policies that agents use at a time: to them, one
// that was replaced is an unknown policy.
func NewHost(limit int) *Host {
	return &Host{
		limit:   max(limit, 1),
		running: make(chan struct{}, runtime.GOMAXPROCS(0)),
		memory:  sync.Pool{New: func() any { return new(policy.Activations) }},
		recent:  list.New(),
		entries: make(map[blob.Digest]*list.Element),
	}
}

// Put serves p, whose weights must have that digest and must not change any
// more.
func (h *Host) Put(digest blob.Digest, p policy.Policy) error {
	if got := p.Weights().Digest(); got != digest {
		return fmt.Errorf("serve policy %s: its weights have the digest %s", digest, got)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if e, ok := h.entries[digest]; ok {
		h.recent.MoveToFront(e)
		return nil
	}
	h.entries[digest] = h.recent.PushFront(&entry{digest, p})
	if h.recent.Len() > h.limit {
		last := h.recent.Back()
		h.recent.Remove(last)
		delete(h.entries, last.Value.(*entry).digest)
	}
	return nil
}

// Get returns the policy of that digest, if it is served.
func (h *Host) Get(digest blob.Digest) (policy.Policy, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.entries[digest]
	if !ok {
		return nil, false
	}
	h.recent.MoveToFront(e)
	return e.Value.(*entry).policy, true
}
