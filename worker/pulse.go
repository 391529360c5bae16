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

	mu  sync.Mutex // guards gap
	gap time.Time  // the end of the last gap
}

const (
	beat = 200 * time.Millisecond
	// longest is the longest time between two beats that is no gap.
	longest = 2 * time.Second
)

func (p *pulse) run(ctx context.Context) {
	last := p.clock.Now()
	for p.clock.Sleep(ctx, beat) == nil {
		now := p.clock.Now()
		if now.Sub(last) > longest {
			p.mu.Lock()
			p.gap = now
			p.mu.Unlock()
		}
		last = now
	}
}

// gapSince says whether the process stood still at some time after t.
func (p *pulse) gapSince(t time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gap.After(t)
}
