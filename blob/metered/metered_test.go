package metered_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/metered"
)

func TestMeteredBucketKeepsTheContract(t *testing.T) {
	t.Parallel()
	blobtest.RunSmall(t, func(*testing.T) blob.Bucket {
		return metered.New(mem.New(), time.Now, func(metered.Method, metered.Result, time.Duration) {})
	})
}

// request is what an observer was told.
type request struct {
	method metered.Method
	result metered.Result
	took   time.Duration
}

// observed wraps a bucket whose clock advances by a second whenever it is
// looked at.
func observed(b blob.Bucket) (bucket blob.Bucket, told func() []request) {
	var mu sync.Mutex
	var all []request
	now := time.Unix(0, 0)
	tick := func() time.Time {
		now = now.Add(time.Second)
		return now
	}
	bucket = metered.New(b, tick, func(m metered.Method, r metered.Result, took time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, request{m, r, took})
	})
	return bucket, func() []request { return all }
}

func TestObserverIsToldOfEveryRequest(t *testing.T) {
	t.Parallel()
	b, told := observed(mem.New())
	ctx := t.Context()
	_, _ = b.Put(ctx, "a", []byte("1"), blob.IfAbsent())
	_, _ = b.Put(ctx, "a", []byte("2"), blob.IfAbsent())
	_, _ = b.Get(ctx, "a")
	_, _ = b.Get(ctx, "b")
	_, _ = b.Head(ctx, "b")
	_ = b.Delete(ctx, "a")
	_, _ = b.Get(ctx, "")
	for info, err := range b.List(ctx, "", "") {
		t.Errorf("listed is %+v, %v", info, err)
	}
	want := []request{
		{metered.Put, metered.OK, time.Second},
		{metered.Put, metered.Condition, time.Second},
		{metered.Get, metered.OK, time.Second},
		{metered.Get, metered.NotFound, time.Second},
		{metered.Head, metered.NotFound, time.Second},
		{metered.Delete, metered.OK, time.Second},
		{metered.Get, metered.Failed, time.Second},
		{metered.List, metered.OK, time.Second},
	}
	if got := told(); !slices.Equal(got, want) {
		t.Errorf("told were\n%v, want\n%v", got, want)
	}
}

func TestWeatherIsToldFromFailureAndCancel(t *testing.T) {
	t.Parallel()
	fault := blob.ErrUnavailable
	b, told := observed(blobtest.NewFaulty(mem.New(), func(string, string) blobtest.Fault { return blobtest.Fault{Before: fault} }))
	if _, err := b.Get(t.Context(), "a"); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("the error is %v", err)
	}
	fault = blob.ErrDenied
	_, _ = b.Get(t.Context(), "a")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = b.Get(ended, "a")
	var got []metered.Result
	for _, r := range told() {
		got = append(got, r.result)
	}
	if want := []metered.Result{metered.Weather, metered.Failed, metered.Cancelled}; !slices.Equal(got, want) {
		t.Errorf("results are %v, want %v", got, want)
	}
}

// A listing takes as long as the store does, not as whoever reads it.
func TestTimeOfTheReaderIsNotTheListings(t *testing.T) {
	t.Parallel()
	inner := mem.New()
	for _, key := range []string{"a", "b", "c"} {
		if _, err := inner.Put(t.Context(), key, nil, blob.Always()); err != nil {
			t.Fatal(err)
		}
	}
	b, told := observed(inner)
	n := 0
	for _, err := range b.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if n == 2 {
			break
		}
	}
	// Two looks of a second for each key, between which the reader had one.
	if got := told(); len(got) != 1 || got[0].took != 3*time.Second {
		t.Errorf("told were %v", got)
	}
}
