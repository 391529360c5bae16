package patient_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/patient"
	"github.com/cohort-rl/cohort/clock"
)

// stormy fails the first n calls, before or after they were made.
func stormy(inner blob.Bucket, n int64, fault blobtest.Fault) *patient.Bucket {
	var calls atomic.Int64
	faulty := blobtest.NewFaulty(inner, func(string, string) blobtest.Fault {
		if calls.Add(1) <= n {
			return fault
		}
		return blobtest.Fault{}
	})
	return patient.New(faulty, clock.System{}, patient.NewVoice(clock.System{}, slog.New(slog.DiscardHandler)))
}

func filled(t *testing.T) *mem.Bucket {
	t.Helper()
	b := mem.New()
	for _, key := range []string{"a", "b", "c"} {
		if _, err := b.Put(t.Context(), key, []byte(key), blob.Always()); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func TestWeatherIsWaitedOut(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(ctx context.Context, b blob.Bucket) error{
		"get":    func(ctx context.Context, b blob.Bucket) error { _, err := b.Get(ctx, "a"); return err },
		"head":   func(ctx context.Context, b blob.Bucket) error { _, err := b.Head(ctx, "a"); return err },
		"delete": func(ctx context.Context, b blob.Bucket) error { return b.Delete(ctx, "a") },
		"put": func(ctx context.Context, b blob.Bucket) error {
			_, err := b.Put(ctx, "d", nil, blob.Always())
			return err
		},
	} {
		for _, weather := range []error{blob.ErrUnavailable, blob.ErrThrottled, blob.ErrConflict, blob.ErrAmbiguous} {
			t.Run(name+" "+weather.Error(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					if err := call(t.Context(), stormy(filled(t), 25, blobtest.Fault{Before: weather})); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

func TestFinalErrorIsReturnedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		for _, final := range []error{blob.ErrDenied, blob.ErrTooLarge, blob.ErrInvalidKey, blob.ErrCorrupt} {
			if _, err := stormy(filled(t), 1, blobtest.Fault{Before: final}).Get(t.Context(), "a"); !errors.Is(err, final) {
				t.Errorf("%v became %v", final, err)
			}
		}
		if _, err := stormy(filled(t), 0, blobtest.Fault{}).Get(t.Context(), "no"); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("error is %v, want ErrNotFound", err)
		}
		if time.Since(began) != 0 {
			t.Errorf("it took %v", time.Since(began))
		}
	})
}

func TestListGoesOnBehindTheLastKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := stormy(filled(t), 3, blobtest.Fault{After: blob.ErrUnavailable})
		var keys []string
		for info, err := range p.List(t.Context(), "", "") {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, info.Key)
		}
		if !slices.Equal(keys, []string{"a", "b", "c"}) {
			t.Errorf("keys %v", keys)
		}
		for info, err := range p.List(t.Context(), "", "") {
			if err != nil || info.Key != "a" {
				t.Errorf("first key %s, %v", info.Key, err)
			}
			break
		}
	})
}

// After a put whose answer was lost the next try finds what the first stored.
func TestLostAnswerOfAPutIsExists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := mem.New()
		_, err := stormy(b, 1, blobtest.Fault{After: blob.ErrAmbiguous}).Put(t.Context(), "d", []byte("x"), blob.IfAbsent())
		if err != nil && !errors.Is(err, blob.ErrExists) {
			t.Errorf("error is %v", err)
		}
		if object, err := b.Get(t.Context(), "d"); err != nil || string(object.Body) != "x" {
			t.Errorf("%q, %v", object.Body, err)
		}
	})
}

func TestOutageIsSaidAndEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := stormy(filled(t), 1<<40, blobtest.Fault{Before: blob.ErrUnavailable})
		if p.Outage() {
			t.Error("an outage before anything was asked")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := p.Get(ctx, "a")
			done <- err
		}()
		synctest.Wait()
		if !p.Outage() {
			t.Error("no outage while a request waits")
		}
		if err := <-done; !errors.Is(err, blob.ErrUnavailable) || p.Outage() {
			t.Errorf("error %v, outage %v", err, p.Outage())
		}
	})
}
