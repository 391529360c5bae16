package serve

import (
	"container/list"
	"runtime"
	"sync"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/serving"
)

// Host holds the policies that are served, by the digest of their weights. When
// it is full, a new one takes the place of the one that was asked for longest
// ago. It is safe for concurrent use.
type Host struct {
	limit   int
	running chan struct{} // holds one element for each forward pass under way
	memory  sync.Pool     // of *policy.Activations
	token   serving.Token // what requests must present
	decided func(decisions int)

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
		decided: func(int) {},
	}
}

// Observe makes the host tell f how many decisions each request got. Call it
// before the host serves; f may be called by several goroutines at once.
func (h *Host) Observe(f func(decisions int)) { h.decided = f }

// Put serves p, whose weights must not change any more, and returns their
// digest.
func (h *Host) Put(p policy.Policy) blob.Digest {
	digest := p.Weights().Digest()
	h.mu.Lock()
	defer h.mu.Unlock()
	if e, ok := h.entries[digest]; ok {
		h.recent.MoveToFront(e)
		return digest
	}
	h.entries[digest] = h.recent.PushFront(&entry{digest, p})
	if h.recent.Len() > h.limit {
		last := h.recent.Back()
		h.recent.Remove(last)
		delete(h.entries, last.Value.(*entry).digest)
	}
	return digest
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

// Site is a host under the address at which agents reach it.
type Site struct {
	*Host
	Base string // such as https://10.0.0.7:7411, without a slash at its end
}

// URL returns the address of the policy with these weights, which is what
// Client takes. It does not say whether the policy is served.
func (s Site) URL(weights blob.Digest) string {
	return s.Base + "/v1/policies/" + string(weights)
}
