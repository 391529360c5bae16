package worker

import (
	"context"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/clock"
)

// pulse notices when this process stood still.
type pulse struct {
	clock clock.Clock

	mu   sync.Mutex // guards what follows
	last time.Time  // the last beat; zero while run does not run
	gap  time.Time  // the end of the last gap
}

const (
	beat = 200 * time.Millisecond
	// longest is the longest time between two beats that is no gap.
	longest = 2 * time.Second
)

func (p *pulse) run(ctx context.Context) {
	for p.note(); p.clock.Sleep(ctx, beat) == nil; {
		p.note()
	}
}

// note takes a beat down, and the gap before it if there was one.
func (p *pulse) note() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if !p.last.IsZero() && now.Sub(p.last) > longest {
		p.gap = now
	}
	p.last = now
}

// gapSince says whether the process stood still at some time after t. A gap
// that ends just now counts, although no beat has come yet.
func (p *pulse) gapSince(t time.Time) bool {
	p.note()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gap.After(t)
}
