package ratelimit

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// maxShared bounds how many requests share a question.
const maxShared = 512

// queues has the requests that wait while a question about their tenant is
// under way. One of them asks for all that came by then. There is no goroutine
// but those of the callers. The zero value is ready.
type queues struct {
	mu      sync.Mutex // guards what follows
	waiting map[string][]*request
}

type request struct {
	tokens int
	answer chan error    // gets the answer; has room for it
	lead   chan struct{} // says that it is this request's turn to ask; has room
}

// join waits for the answer to a request, and asks for all when it is its turn.
func (q *queues) join(ctx context.Context, tenant string, tokens int, ask func(context.Context, string, []int) []error) error {
	own := &request{tokens: tokens, answer: make(chan error, 1), lead: make(chan struct{}, 1)}
	q.mu.Lock()
	waiting, busy := q.waiting[tenant]
	if q.waiting == nil {
		q.waiting = make(map[string][]*request)
	}
	q.waiting[tenant] = append(waiting, own)
	if !busy {
		own.lead <- struct{}{}
	}
	q.mu.Unlock()
	select {
	case err := <-own.answer:
		return err
	case <-own.lead:
	case <-ctx.Done():
		if !q.leave(tenant, own) {
			return fmt.Errorf("%w: tenant %q: %w", ErrUnavailable, tenant, ctx.Err())
		}
	}
	q.askAll(ctx, tenant, ask)
	return <-own.answer
}

// askAll asks for all who wait, and makes the next one ask for who comes
// meanwhile.
func (q *queues) askAll(ctx context.Context, tenant string, ask func(context.Context, string, []int) []error) {
	q.mu.Lock()
	all := q.waiting[tenant]
	all = all[:min(len(all), maxShared):min(len(all), maxShared)]
	q.waiting[tenant] = slices.Clone(q.waiting[tenant][len(all):])
	q.mu.Unlock()
	tokens := make([]int, len(all))
	for i, r := range all {
		tokens[i] = r.tokens
	}
	for i, err := range ask(ctx, tenant, tokens) {
		all[i].answer <- err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if next := q.waiting[tenant]; len(next) > 0 {
		next[0].lead <- struct{}{}
	} else {
		delete(q.waiting, tenant)
	}
}

// leave takes a request whose caller goes away out of the queue. It reports
// true when the request has its turn already, which somebody must take.
func (q *queues) leave(tenant string, own *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-own.lead:
		return true
	default:
	}
	if i := slices.Index(q.waiting[tenant], own); i >= 0 {
		q.waiting[tenant] = slices.Delete(q.waiting[tenant], i, i+1)
	}
	return false
}
