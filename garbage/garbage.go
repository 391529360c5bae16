// Package garbage says how often memory is collected: how much a program holds
// is traded for processor time.
package garbage

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Limit is how much memory, in bytes, a program that CollectRarely has set uses
// before it collects as often as any other: when there is about as much garbage
// as what lives.
const Limit = 192 << 20

// rarely is the garbage, in percent of what lives, that is waited for below Limit.
const rarely = 400

// CollectRarely lets garbage come to four times what lives before it is
// collected, as long as all memory stays below Limit, or twice what lives where
// that is more. So a program that needs some tens of MiB spends little time on
// collecting, and one that moves large objects does not hold several times their
// memory. What the user says in GOGC or GOMEMLIMIT, whose values these are, goes
// first. It is in force until ctx ends; what was set last stays set.
func CollectRarely(ctx context.Context, gogc, gomemlimit string) {
	if gogc != "" {
		return
	}
	debug.SetGCPercent(rarely)
	if gomemlimit != "" {
		return
	}
	c := &collection{ctx: ctx, limit: Limit, live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	debug.SetMemoryLimit(c.limit)
	c.watch()
}

// LimitFor is how much memory may be used when so many bytes live. It is above
// twice that, or else collecting would never end.
func LimitFor(live uint64) int64 {
	const beside = 32 << 20                        // stacks, what the collector itself needs, pieces between objects
	return max(Limit, 2*int64(live)+int64(beside)) //nolint:gosec // no machine has that much
}

// collection is adjusted after each cycle by what that found to live. Nothing
// runs at the same time. That it comes late by a few cycles costs time, never
// memory.
type collection struct {
	ctx   context.Context //nolint:containedctx // says for how long
	limit int64
	live  []metrics.Sample
}

// watch calls adjust when the next cycle has ended: by then an object that
// nothing refers to has gone.
func (c *collection) watch() {
	runtime.AddCleanup(&cycle{c}, (*collection).adjust, c)
}

// cycle has a pointer, so that it shares its memory with no other object.
type cycle struct{ *collection }

func (c *collection) adjust() {
	if c.ctx.Err() != nil {
		return
	}
	metrics.Read(c.live)
	if next := LimitFor(c.live[0].Value.Uint64()); next != c.limit {
		c.limit = next
		debug.SetMemoryLimit(next)
	}
	c.watch()
}
