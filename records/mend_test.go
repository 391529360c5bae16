package records_test

import (
	"errors"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/records"
)

func TestCorruptRecordIsKeptBeforeItIsReplaced(t *testing.T) {
	t.Parallel()
	b := mem.New()
	m, err := records.Mend(t.Context(), b, key, format, by("a"))
	if err != nil || m.Existed || m.Quarantined != "" || m.Record.By != "a" {
		t.Fatalf("%+v, %v", m, err)
	}
	if m, err = records.Mend(t.Context(), b, key, format, by("b")); err != nil || !m.Existed || m.Record.By != "a" {
		t.Fatalf("a whole record is not adopted: %+v, %v", m, err)
	}
	put(t, b, []byte("broken"))
	if m, err = records.Mend(t.Context(), b, key, format, by("b")); err != nil || m.Record.By != "b" {
		t.Fatalf("%+v, %v", m, err)
	}
	if kept, err := b.Get(t.Context(), m.Quarantined); err != nil || string(kept.Body) != "broken" {
		t.Errorf("%q is kept, %v", kept.Body, err)
	}
	if r, _, err := records.Read[record](t.Context(), b, key, format); err != nil || r.By != "b" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestCorruptRecordStaysWhereItCannotBeKept(t *testing.T) {
	t.Parallel()
	inner := mem.New()
	put(t, inner, []byte("broken"))
	b := blobtest.NewFaulty(inner, func(op, k string) blobtest.Fault {
		if op == "put" && k != key {
			return blobtest.Fault{Before: blob.ErrDenied}
		}
		return blobtest.Fault{}
	})
	if _, err := records.Mend(t.Context(), b, key, format, by("a")); !errors.Is(err, blob.ErrDenied) {
		t.Errorf("got %v", err)
	}
	if object, err := inner.Get(t.Context(), key); err != nil || string(object.Body) != "broken" {
		t.Errorf("it holds %q, %v", object.Body, err)
	}
}

// Whoever mended it meanwhile wins.
func TestRecordThatIsMendedMeanwhileIsAdopted(t *testing.T) {
	t.Parallel()
	inner := mem.New()
	put(t, inner, []byte("broken"))
	done := false
	b := blobtest.NewFaulty(inner, func(op, k string) blobtest.Fault {
		if op == "put" && k != key && !done { // the quarantine
			done = true
			if err := records.Overwrite(t.Context(), inner, key, *by("b")); err != nil {
				t.Error(err)
			}
		}
		return blobtest.Fault{}
	})
	if m, err := records.Mend(t.Context(), b, key, format, by("a")); err != nil || m.Record.By != "b" {
		t.Errorf("%+v, %v", m, err)
	}
}
