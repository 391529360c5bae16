// Package garbage says how often memory is collected: how much a program holds
// is traded for processor time.
package garbage

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Room is the garbage, in bytes, beyond which a program that CollectRarely has
// set collects as often as any other: when there is as much garbage as what
// lives.
const Room = 112 << 20

// Percents of what lives that garbage may come to.
const (
	often  = 100 // what Go itself does
	rarely = 400
)

// CollectRarely lets garbage come to four times what lives before it is
// collected, as long as that is less than Room, unless the user says otherwise
// by GOGC (gogc is its value). So a program that needs some tens of MiB spends
// little time on collecting, and one that moves large objects does not need
// several times their memory. It is in force until ctx ends; what was set last
// stays set.
func CollectRarely(ctx context.Context, gogc string) {
	if gogc != "" {
		return
	}
	c := &collection{ctx: ctx, percent: rarely, live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	debug.SetGCPercent(c.percent)
	c.watch()
}

// Percent is how much garbage there may be when so many bytes live, in percent of
// them.
func Percent(live uint64) int {
	return int(min(rarely, max(often, 100*Room/max(1, live))))
}

// collection is adjusted after each cycle by what that found to live. Nothing
// runs at the same time.
type collection struct {
	ctx     context.Context //nolint:containedctx // says for how long
	percent int
	live    []metrics.Sample
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
	// Setting stops the program for a moment: small changes are not worth it.
	if next := Percent(c.live[0].Value.Uint64()); next-c.percent > 20 || c.percent-next > 20 || next != c.percent && (next == often || next == rarely) {
		c.percent = next
		debug.SetGCPercent(next)
	}
	c.watch()
}
