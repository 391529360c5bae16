package garbage_test

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/garbage"
)

func TestGarbageIsBoundedByRoomUnlessMoreLives(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{
		0: 400, 1 << 20: 400, garbage.Room / 4: 400,
		garbage.Room / 2: 200, garbage.Room: 100, 10 * garbage.Room: 100, 1 << 60: 100,
	} {
		if got := garbage.Percent(live); got != want {
			t.Errorf("%d bytes live: %d %%, want %d", live, got, want)
		}
	}
}

// percent is what is set.
func percent() int {
	now := debug.SetGCPercent(100)
	debug.SetGCPercent(now)
	return now
}

// await collects until percent is want.
func await(t *testing.T, want int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for percent() != want {
		if time.Now().After(deadline) {
			t.Fatalf("%d %% after a minute of cycles, want %d", percent(), want)
		}
		runtime.GC()
		runtime.Gosched()
	}
}

// It changes what the whole process does, so it is not parallel.
func TestCollectionFollowsWhatLives(t *testing.T) { //nolint:paralleltest // said above
	defer debug.SetGCPercent(percent())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	garbage.CollectRarely(ctx, "")
	if percent() != 400 {
		t.Fatalf("%d %% at first, want 400", percent())
	}
	held := make([]byte, 2*garbage.Room)
	await(t, 100)
	runtime.KeepAlive(held)
	held = nil
	await(t, 400)
	_ = held
}

func TestUsersWishIsKept(t *testing.T) { //nolint:paralleltest // it looks at the whole process
	was := percent()
	garbage.CollectRarely(t.Context(), "77")
	if percent() != was {
		t.Errorf("%d %%, was %d", percent(), was)
	}
}
