package garbage_test

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/garbage"
)

func TestLimitIsAboveTwiceWhatLives(t *testing.T) {
	t.Parallel()
	for _, live := range []uint64{0, 1 << 20, garbage.Limit / 3, garbage.Limit / 2, garbage.Limit, 100 * garbage.Limit} {
		limit := garbage.LimitFor(live)
		if limit < garbage.Limit || uint64(limit) <= 2*live || uint64(limit) > max(garbage.Limit, 3*live) {
			t.Errorf("%d bytes live: limit %d", live, limit)
		}
	}
}

// settings are what is set: percent and limit.
func settings() (int, int64) {
	percent := debug.SetGCPercent(100)
	debug.SetGCPercent(percent)
	return percent, debug.SetMemoryLimit(-1)
}

// await collects until the limit is as wanted.
func await(t *testing.T, what string, good func(limit int64) bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !good(debug.SetMemoryLimit(-1)) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: the limit is %d after a minute of cycles", what, debug.SetMemoryLimit(-1))
		}
		runtime.GC()
		runtime.Gosched()
	}
}

// It changes what the whole process does, so it is not parallel.
func TestLimitFollowsWhatLives(t *testing.T) { //nolint:paralleltest // said above
	percent, limit := settings()
	defer debug.SetGCPercent(percent)
	defer debug.SetMemoryLimit(limit)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	garbage.CollectRarely(ctx, "", "")
	if p, l := settings(); p != 400 || l != garbage.Limit {
		t.Fatalf("%d %% and %d bytes at first, want 400 and %d", p, l, garbage.Limit)
	}
	held := make([]byte, 2*garbage.Limit)
	await(t, "much lives", func(limit int64) bool { return limit > 4*garbage.Limit })
	runtime.KeepAlive(held)
	await(t, "little lives", func(limit int64) bool { return limit == garbage.Limit })
}

func TestUsersWishIsKept(t *testing.T) { //nolint:paralleltest // it looks at the whole process
	percent, limit := settings()
	defer debug.SetGCPercent(percent)
	garbage.CollectRarely(t.Context(), "77", "")
	if p, l := settings(); p != percent || l != limit {
		t.Errorf("GOGC is given: %d %% and %d bytes, were %d and %d", p, l, percent, limit)
	}
	garbage.CollectRarely(t.Context(), "", "1GiB")
	if p, l := settings(); p != 400 || l != limit {
		t.Errorf("GOMEMLIMIT is given: %d %% and %d bytes, want 400 and %d", p, l, limit)
	}
}
