package retry_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/retry"
)

func half() float64 { return 0.5 }

// script fails the calls of one operation, in turn.
type script struct {
	mu     sync.Mutex
	op     string
	faults []blobtest.Fault
	calls  int
}

func (s *script) next(op, _ string) blobtest.Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if op != s.op {
		return blobtest.Fault{}
	}
	s.calls++
	if len(s.faults) == 0 {
		return blobtest.Fault{}
	}
	fault := s.faults[0]
	s.faults = s.faults[1:]
	return fault
}

func before(errs ...error) []blobtest.Fault {
	var faults []blobtest.Fault
	for _, err := range errs {
		faults = append(faults, blobtest.Fault{Before: err})
	}
	return faults
}

func TestFlakyStoreBehindRetriesKeepsTheContract(t *testing.T) {
	t.Parallel()
	blobtest.RunSmall(t, func(*testing.T) blob.Bucket {
		var mu sync.Mutex
		random := rand.New(rand.NewPCG(1, 2))
		weather := []error{blob.ErrUnavailable, blob.ErrThrottled, blob.ErrConflict, blob.ErrAmbiguous}
		faulty := blobtest.NewFaulty(mem.New(), func(op, _ string) blobtest.Fault {
			mu.Lock()
			defer mu.Unlock()
			switch kind := weather[random.IntN(len(weather))]; random.IntN(8) {
			case 0:
				return blobtest.Fault{Before: kind}
			case 1:
				if op == "put" {
					kind = blob.ErrAmbiguous
				}
				return blobtest.Fault{After: kind}
			default:
				return blobtest.Fault{}
			}
		})
		policy := retry.Policy{Attempts: 50, First: time.Microsecond, Longest: time.Microsecond, Budget: time.Minute}
		return retry.New(faulty, policy, time.Now, half)
	})
}

func TestWeatherIsWaitedOutWithGrowingPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{op: "put", faults: before(blob.ErrUnavailable, blob.ErrThrottled, blob.ErrConflict)}
		policy := retry.Policy{Attempts: 4, First: time.Second, Longest: 3 * time.Second, Budget: time.Minute}
		b := retry.New(blobtest.NewFaulty(mem.New(), s.next), policy, time.Now, half)
		start := time.Now()
		if _, err := b.Put(t.Context(), "key", []byte("x"), blob.IfAbsent()); err != nil {
			t.Fatal(err)
		}
		// Three quarters of 1, 2 and 3 seconds.
		if got := time.Since(start); got != 4500*time.Millisecond {
			t.Fatalf("waited %v, want 4.5s", got)
		}
	})
}

func TestPatienceEndsWithAttemptsBudgetOrContext(t *testing.T) {
	t.Parallel()
	always := func(string, string) blobtest.Fault { return blobtest.Fault{Before: blob.ErrUnavailable} }
	synctest.Test(t, func(t *testing.T) {
		patience := func(ctx context.Context, policy retry.Policy) time.Duration {
			start := time.Now()
			_, err := retry.New(blobtest.NewFaulty(mem.New(), always), policy, time.Now, half).Get(ctx, "key")
			if !errors.Is(err, blob.ErrUnavailable) {
				t.Fatalf("gave up with %v, want the store's error", err)
			}
			return time.Since(start)
		}
		policy := retry.Policy{Attempts: 3, First: 2 * time.Second, Longest: time.Minute, Budget: time.Hour}
		if got := patience(t.Context(), policy); got != 4500*time.Millisecond {
			t.Errorf("three attempts took %v, want 4.5s", got)
		}
		policy.Attempts, policy.Budget = 1000, 5*time.Second
		if got := patience(t.Context(), policy); got > policy.Budget {
			t.Errorf("took %v, more than the budget", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := patience(ctx, policy); got != time.Second {
			t.Errorf("took %v, want it to end with the context after 1s", got)
		}
	})
}

func TestFailuresThatStayAreNotRepeated(t *testing.T) {
	t.Parallel()
	for _, kind := range []error{blob.ErrDenied, blob.ErrNotFound, blob.ErrExists, blob.ErrStale, blob.ErrTooLarge, blob.ErrCorrupt} {
		s := &script{op: "put", faults: before(kind, kind)}
		b := retry.New(blobtest.NewFaulty(mem.New(), s.next), retry.Default(), time.Now, half)
		if _, err := b.Put(t.Context(), "key", nil, blob.Always()); !errors.Is(err, kind) || s.calls != 1 {
			t.Errorf("%v: %d calls and %v, want one call and the same error", kind, s.calls, err)
		}
	}
}

// Each case begins with a Put that ends ambiguous; sent counts the Puts in all.
func TestAmbiguousPutIsReadBack(t *testing.T) {
	t.Parallel()
	body, other := []byte("mine"), []byte("another's")
	for name, c := range map[string]struct {
		fault   blobtest.Fault
		before  []byte // put before; IfMatch then replaces it
		rival   []byte // put between the first attempt and the second
		want    error
		sent    int
		content []byte
	}{
		"stored, answer lost":       {fault: blobtest.Fault{After: blob.ErrAmbiguous}, sent: 1, content: body},
		"not stored":                {fault: blobtest.Fault{Before: blob.ErrAmbiguous}, sent: 2, content: body},
		"not stored, a rival won":   {fault: blobtest.Fault{Before: blob.ErrAmbiguous}, rival: other, want: blob.ErrExists, sent: 1, content: other},
		"replaced, answer lost":     {fault: blobtest.Fault{After: blob.ErrAmbiguous}, before: []byte("old"), sent: 1, content: body},
		"not replaced":              {fault: blobtest.Fault{Before: blob.ErrAmbiguous}, before: []byte("old"), sent: 2, content: body},
		"not replaced, a rival won": {fault: blobtest.Fault{Before: blob.ErrAmbiguous}, before: []byte("old"), rival: other, want: blob.ErrStale, sent: 1, content: other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, cond := mem.New(), blob.IfAbsent()
			if c.before != nil {
				version, err := store.Put(t.Context(), "key", c.before, blob.IfAbsent())
				if err != nil {
					t.Fatal(err)
				}
				cond = blob.IfMatch(version)
			}
			s := &script{op: "put", faults: []blobtest.Fault{c.fault}}
			rival := blobtest.NewFaulty(store, func(op, key string) blobtest.Fault {
				if op == "get" && c.rival != nil {
					_, _ = store.Put(t.Context(), key, c.rival, blob.Always())
				}
				return s.next(op, key)
			})
			policy := retry.Policy{Attempts: 5, First: time.Microsecond, Longest: time.Microsecond, Budget: time.Minute}
			_, err := retry.New(rival, policy, time.Now, half).Put(t.Context(), "key", body, cond)
			if !errors.Is(err, c.want) || s.calls != c.sent {
				t.Fatalf("%d puts and %v, want %d and %v", s.calls, err, c.sent, c.want)
			}
			if got, err := store.Get(t.Context(), "key"); err != nil || string(got.Body) != string(c.content) {
				t.Fatalf("the object holds %q, %v; want %q", got.Body, err, c.content)
			}
		})
	}
}
