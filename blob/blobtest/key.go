package blobtest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/blob"
)

func keysRoundTrip(t *testing.T, b blob.Bucket) {
	t.Helper()
	keys := append(wild(), strings.Repeat("s", blob.MaxSegment), strings.Repeat("long/", blob.MaxKey/5-1)+"long.")
	putAll(t, b, keys)
	for _, key := range keys {
		mustHold(t, b, key, []byte(key))
		if info, err := b.Head(t.Context(), key); err != nil || info.Key != key {
			t.Errorf("head %q: %+v, %v", key, info, err)
		}
	}
	for _, key := range keys {
		if err := b.Delete(t.Context(), key); err != nil {
			t.Errorf("delete %q: %v", key, err)
		}
	}
	mustBeEmpty(t, b)
}

func badKeysAreRefused(t *testing.T, b blob.Bucket) {
	t.Helper()
	// A cancelled context would be the first error of anything that does I/O.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, key := range []string{
		"", "/", "/absolute", "trailing/", "a//b", ".", "..", "a/../b", "../a", "a/..", "a/./b",
		"a\x00b", "a\nb", "a\x7fb", "a\u0085b", "a\\b", "bad\xffutf8",
		strings.Repeat("k/", blob.MaxKey/2) + "k", strings.Repeat("s", blob.MaxSegment+1),
	} {
		_, getErr := b.Get(ctx, key)
		_, putErr := b.Put(ctx, key, []byte("x"), blob.Always())
		_, headErr := b.Head(ctx, key)
		for _, err := range []error{getErr, putErr, headErr, b.Delete(ctx, key)} {
			if !errors.Is(err, blob.ErrInvalidKey) {
				t.Errorf("key %.40q: %v, want it refused before any I/O", key, err)
			}
		}
	}
	for _, prefix := range []string{"/", "/a", "a//", "../", "a/../b", "a\x00", "\xff"} {
		if _, err := list(ctx, b, prefix, ""); !errors.Is(err, blob.ErrInvalidKey) {
			t.Errorf("list %q: %v, want it refused", prefix, err)
		}
		if _, err := list(ctx, b, "", prefix); !errors.Is(err, blob.ErrInvalidKey) {
			t.Errorf("list after %q: %v, want it refused", prefix, err)
		}
	}
	mustBeEmpty(t, b)
}
