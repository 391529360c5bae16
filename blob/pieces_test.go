package blob_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
)

func TestPiecesAreReadAsWhatWasCut(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]int{1: 10, 3: 4, 5: 2, 10: 1, 64: 1} {
		body := []byte("0123456789")
		b := mem.New()
		refs, pieces := blob.Cut(body, size)
		if len(refs) != want || len(pieces) != want {
			t.Errorf("in pieces of %d bytes: %d, want %d", size, len(refs), want)
		}
		if err := blob.PutPieces(t.Context(), b, "p/", pieces); err != nil {
			t.Fatal(err)
		}
		if read, err := blob.GetPieces(t.Context(), b, "p/", refs); err != nil || !bytes.Equal(read, body) {
			t.Errorf("in pieces of %d bytes: read %q, %v", size, read, err)
		}
		if _, err := b.Put(t.Context(), "p/"+string(refs[0].Digest), []byte("other"), blob.Always()); err != nil {
			t.Fatal(err)
		}
		if _, err := blob.GetPieces(t.Context(), b, "p/", refs); !errors.Is(err, blob.ErrCorrupt) {
			t.Errorf("a piece was replaced: error %v", err)
		}
	}
	if refs, pieces := blob.Cut(nil, 1); refs != nil || pieces != nil {
		t.Errorf("nothing was cut into %v", refs)
	}
}
