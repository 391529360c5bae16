package records_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/records"
)

const (
	format = "cohort.test/1"
	key    = "records/one.json"
)

type record struct {
	Format string `json:"format"`
	By     string `json:"by"`
}

func by(name string) *record { return &record{Format: format, By: name} }

func TestFirstRecordIsAdoptedByAll(t *testing.T) {
	t.Parallel()
	b := mem.New()
	first, existed, err := records.Adopt(t.Context(), b, key, format, by("a"))
	if err != nil || existed || first.By != "a" {
		t.Fatalf("%+v, %v, %v", first, existed, err)
	}
	second, existed, err := records.Adopt(t.Context(), b, key, format, by("b"))
	if err != nil || !existed || second.By != "a" {
		t.Fatalf("%+v, %v, %v", second, existed, err)
	}
	read, digest, err := records.Read[record](t.Context(), b, key, format)
	if err != nil || read.By != "a" {
		t.Fatalf("%+v, %v", read, err)
	}
	object, err := b.Get(t.Context(), key)
	if err != nil || blob.DigestOf(object.Body) != digest {
		t.Errorf("digest %s is not that of the bytes, %v", digest, err)
	}
}

func TestRecordThatWasOursIsNotAnothers(t *testing.T) {
	t.Parallel()
	b := mem.New()
	for range 2 {
		if r, existed, err := records.Adopt(t.Context(), b, key, format, by("a")); err != nil || existed || r.By != "a" {
			t.Fatalf("%+v, %v, %v", r, existed, err)
		}
	}
}

// lossy loses the answers to puts.
func lossy(inner blob.Bucket, fault blobtest.Fault) blob.Bucket {
	return blobtest.NewFaulty(inner, func(op, _ string) blobtest.Fault {
		if op == "put" {
			return fault
		}
		return blobtest.Fault{}
	})
}

func TestLostAnswerIsReadBack(t *testing.T) {
	t.Parallel()
	lost := fmt.Errorf("connection reset: %w", blob.ErrAmbiguous)
	t.Run("persisted", func(t *testing.T) {
		t.Parallel()
		r, existed, err := records.Adopt(t.Context(), lossy(mem.New(), blobtest.Fault{After: lost}), key, format, by("a"))
		if err != nil || existed || r.By != "a" {
			t.Errorf("%+v, %v, %v", r, existed, err)
		}
	})
	t.Run("another was first", func(t *testing.T) {
		t.Parallel()
		inner := mem.New()
		if _, _, err := records.Adopt(t.Context(), inner, key, format, by("b")); err != nil {
			t.Fatal(err)
		}
		r, existed, err := records.Adopt(t.Context(), lossy(inner, blobtest.Fault{Before: lost}), key, format, by("a"))
		if err != nil || !existed || r.By != "b" {
			t.Errorf("%+v, %v, %v", r, existed, err)
		}
	})
	t.Run("not persisted", func(t *testing.T) {
		t.Parallel()
		// Nobody knows whether a put is still under way: it is no success.
		if _, _, err := records.Adopt(t.Context(), lossy(mem.New(), blobtest.Fault{Before: lost}), key, format, by("a")); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("error is %v, want ErrNotFound", err)
		}
	})
}

func TestRefusalIsAnError(t *testing.T) {
	t.Parallel()
	denied := lossy(mem.New(), blobtest.Fault{Before: blob.ErrDenied})
	if _, _, err := records.Adopt(t.Context(), denied, key, format, by("a")); !errors.Is(err, blob.ErrDenied) {
		t.Errorf("adopt: %v, want ErrDenied", err)
	}
	if err := records.Overwrite(t.Context(), denied, key, *by("a")); !errors.Is(err, blob.ErrDenied) {
		t.Errorf("overwrite: %v, want ErrDenied", err)
	}
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	t.Parallel()
	whole, err := sealed.Seal(by("a"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		b := mem.New()
		body := append([]byte(nil), whole...)
		body[i] ^= 0x20
		put(t, b, body)
		if _, _, err := records.Read[record](t.Context(), b, key, format); !errors.Is(err, blob.ErrCorrupt) {
			t.Errorf("byte %d flipped: %v, want ErrCorrupt", i, err)
		}
		if _, _, err := records.Adopt(t.Context(), b, key, format, by("b")); !errors.Is(err, blob.ErrCorrupt) {
			t.Errorf("byte %d flipped: adopt says %v, want ErrCorrupt", i, err)
		}
	}
}

func TestAnotherFormatIsRefusedByName(t *testing.T) {
	t.Parallel()
	b := mem.New()
	if err := records.Overwrite(t.Context(), b, key, record{Format: "cohort.test/2"}); err != nil {
		t.Fatal(err)
	}
	var other *sealed.FormatError
	if _, _, err := records.Read[record](t.Context(), b, key, format); !errors.As(err, &other) || other.Got != "cohort.test/2" {
		t.Errorf("error is %v", err)
	}
}

func TestMissingRecordIsNotFound(t *testing.T) {
	t.Parallel()
	if _, _, err := records.Read[record](t.Context(), mem.New(), key, format); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("error is %v", err)
	}
}

func TestHintIsOverwritten(t *testing.T) {
	t.Parallel()
	b := mem.New()
	for _, name := range []string{"a", "b"} {
		if err := records.Overwrite(t.Context(), b, key, *by(name)); err != nil {
			t.Fatal(err)
		}
	}
	if r, _, err := records.Read[record](t.Context(), b, key, format); err != nil || r.By != "b" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRacersAgreeOnOneRecord(t *testing.T) {
	t.Parallel()
	b := mem.New()
	const racers = 16
	var wg sync.WaitGroup
	won := make([]*record, racers)
	first := make([]bool, racers)
	for i := range racers {
		wg.Go(func() { won[i], first[i] = race(t.Context(), t, b, fmt.Sprint(i)) })
	}
	wg.Wait()
	winners := 0
	for i := range racers {
		if won[i] == nil || won[i].By != won[0].By {
			t.Fatalf("racer %d has %+v, racer 0 %+v", i, won[i], won[0])
		}
		if first[i] {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d racers created the record", winners)
	}
}

func race(ctx context.Context, t *testing.T, b blob.Bucket, name string) (*record, bool) {
	t.Helper()
	r, existed, err := records.Adopt(ctx, b, key, format, by(name))
	if err != nil {
		t.Error(err)
	}
	return r, !existed
}

func put(t *testing.T, b blob.Bucket, body []byte) {
	t.Helper()
	if _, err := b.Put(t.Context(), key, body, blob.Always()); err != nil {
		t.Fatal(err)
	}
}
