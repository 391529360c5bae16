package retry_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/retry"
)

// histories is how many races each test below looks at; together they are more
// than ten thousand.
const histories = 5100

// stormy is an empty store in memory whose answers are lost and whose callers
// take turns at any point.
func stormy(seed uint64) *blobtest.Faulty {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	draw := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	return blobtest.NewFaulty(mem.New(), func(op, _ string) blobtest.Fault {
		if draw(2) == 0 {
			runtime.Gosched()
		}
		switch fault := draw(8); {
		case op == "put" && fault == 0:
			return blobtest.Fault{After: blob.ErrAmbiguous}
		case op == "put" && fault == 1:
			return blobtest.Fault{Before: blob.ErrAmbiguous}
		case fault == 2:
			return blobtest.Fault{Before: blob.ErrUnavailable}
		case fault == 3:
			return blobtest.Fault{Before: blob.ErrConflict}
		default:
			return blobtest.Fault{}
		}
	})
}

func TestLogNumbersAreRegistersThoughAnswersAreLost(t *testing.T) {
	t.Parallel()
	unknown := 0
	for seed := range uint64(histories) {
		h := blobtest.Race(t.Context(), stormy(seed), "log", 3, 2, false)
		if unknown += h.Unknown(); !h.Linearizable() {
			t.Fatalf("race %d is not linearizable: %+v", seed, h)
		}
	}
	if unknown == 0 {
		t.Fatal("no answer was lost")
	}
}

func TestLogNumbersBehindRetriesAreRegisters(t *testing.T) {
	t.Parallel()
	policy := retry.Policy{Attempts: 6, First: time.Nanosecond, Longest: time.Nanosecond, Budget: time.Minute}
	for seed := range uint64(histories) {
		b := retry.New(stormy(seed), policy, time.Now, half)
		if h := blobtest.Race(t.Context(), b, "log", 3, 2, false); !h.Linearizable() {
			t.Fatalf("race %d is not linearizable: %+v", seed, h)
		}
	}
}

// forgetful is a store that overlooks every condition now and then.
type forgetful struct {
	blob.Bucket
	random *rand.Rand
	mu     sync.Mutex // guards random
}

func (f *forgetful) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	f.mu.Lock()
	if f.random.IntN(4) == 0 {
		cond = blob.Always()
	}
	f.mu.Unlock()
	runtime.Gosched()
	return f.Bucket.Put(ctx, key, body, cond)
}

func TestRacesOnAStoreThatOverlooksConditionsAreSeen(t *testing.T) {
	t.Parallel()
	b := &forgetful{Bucket: mem.New(), random: rand.New(rand.NewPCG(1, 1))}
	for race := range 1000 {
		if h := blobtest.Race(t.Context(), b, fmt.Sprint("log-", race), 4, 3, true); !h.Linearizable() {
			return
		}
	}
	t.Fatal("a thousand races were called linearizable")
}

func TestReplacesAreLinearizable(t *testing.T) {
	t.Parallel()
	calm := blobtest.NewFaulty(mem.New(), func(string, string) blobtest.Fault { runtime.Gosched(); return blobtest.Fault{} })
	for race := range 500 {
		if h := blobtest.Race(t.Context(), calm, fmt.Sprint("log-", race), 4, 2, true); !h.Linearizable() {
			t.Fatalf("race %d is not linearizable: %+v", race, h)
		}
	}
}
