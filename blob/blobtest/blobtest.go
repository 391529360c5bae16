// Package blobtest is the conformance suite of blob.Bucket: what every store and
// every decorator must do, as one function that each of their tests calls.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cohort-rl/cohort/blob"
)

// Run checks the contract of blob.Bucket. newBucket returns an empty bucket for
// each of its subtests, which run in parallel.
func Run(t *testing.T, newBucket func(t *testing.T) blob.Bucket) {
	t.Helper()
	run(t, []int{0, 1, 4095, 1 << 20, blob.MaxObject}, newBucket)
}

// RunSmall is Run with objects of at most 1 MiB: for decorators, and for a store
// under a second setting.
func RunSmall(t *testing.T, newBucket func(t *testing.T) blob.Bucket) {
	t.Helper()
	run(t, []int{0, 1, 4095, 1 << 20}, newBucket)
}

func run(t *testing.T, sizes []int, newBucket func(t *testing.T) blob.Bucket) {
	t.Helper()
	for _, c := range []struct {
		name  string
		check func(t *testing.T, b blob.Bucket)
	}{
		{"ObjectsReadBackWhole", func(t *testing.T, b blob.Bucket) { t.Helper(); objectsReadBackWhole(t, b, sizes) }},
		{"BodyIsTheCallersAfterPut", bodyIsTheCallers},
		{"MissingObjectIsNotFound", missingObjectIsNotFound},
		{"DeleteRemovesAndMayBeRepeated", deleteRemoves},
		{"CreateIfAbsentKeepsTheFirst", createKeepsTheFirst},
		{"RepeatedCreateOfEqualContentSucceeds", repeatedCreateSucceeds},
		{"ReplaceNeedsTheCurrentVersion", replaceNeedsTheCurrentVersion},
		{"OneOf64ConcurrentCreatorsWins", oneCreatorWins},
		{"OneOf16ConcurrentReplacersWins", oneReplacerWins},
		{"ReadersSeeWholeObjects", readersSeeWholeObjects},
		{"ListingIsOrderedAndWhole", listingIsOrdered},
		{"ListingHonoursPrefixAndAfter", listingHonoursPrefixAndAfter},
		{"ListingStopsWhenAsked", listingStops},
		{"KeysOfEveryAlphabetRoundTrip", keysRoundTrip},
		{"BadKeysAreRefused", badKeysAreRefused},
		{"TooLargeObjectIsRefused", tooLargeIsRefused},
		{"CancelledPutLeavesNothing", cancelledPutLeavesNothing},
		{"PutInterruptedLeavesOldOrNew", interruptedPut},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.check(t, newBucket(t))
		})
	}
}

func objectsReadBackWhole(t *testing.T, b blob.Bucket, sizes []int) {
	t.Helper()
	for _, size := range sizes {
		body := randomBody(uint64(size), size)
		version := mustPut(t, b, "sizes/object", body, blob.Always())
		if version == "" {
			t.Fatalf("put of %d bytes returned no version", size)
		}
		mustHold(t, b, "sizes/object", body)
		info, err := b.Head(t.Context(), "sizes/object")
		if err != nil || info.Key != "sizes/object" || info.Size != int64(size) {
			t.Fatalf("head of %d bytes: %+v, %v", size, info, err)
		}
		if info.Version != "" && info.Version != version {
			t.Fatalf("head gives version %q, put gave %q", info.Version, version)
		}
	}
}

func bodyIsTheCallers(t *testing.T, b blob.Bucket) {
	t.Helper()
	want := randomBody(7, 1<<16)
	body := bytes.Clone(want)
	key := "bodies/" + string(blob.DigestOf(want))
	mustPut(t, b, key, body, blob.IfAbsent())
	clear(body)
	mustHold(t, b, key, want)
	read, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	clear(read.Body)
	mustHold(t, b, key, want)
}

func missingObjectIsNotFound(t *testing.T, b blob.Bucket) {
	t.Helper()
	mustPut(t, b, "folder/object", []byte("x"), blob.IfAbsent())
	for _, key := range []string{"nothing", "folder", "folder/nothing", "folder/object/below"} {
		if _, err := b.Get(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("get %s: %v, want not found", key, err)
		}
		if _, err := b.Head(t.Context(), key); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("head %s: %v, want not found", key, err)
		}
	}
}

func deleteRemoves(t *testing.T, b blob.Bucket) {
	t.Helper()
	mustPut(t, b, "folder/a", []byte("a"), blob.IfAbsent())
	mustPut(t, b, "folder/b", []byte("b"), blob.IfAbsent())
	for range 2 {
		if err := b.Delete(t.Context(), "folder/a"); err != nil {
			t.Fatalf("delete: %v", err)
		}
	}
	if err := b.Delete(t.Context(), "folder"); err != nil {
		t.Fatalf("delete what is no object: %v", err)
	}
	if _, err := b.Get(t.Context(), "folder/a"); !errors.Is(err, blob.ErrNotFound) {
		t.Fatalf("get deleted: %v, want not found", err)
	}
	mustHold(t, b, "folder/b", []byte("b"))
	mustPut(t, b, "folder/a", []byte("again"), blob.IfAbsent())
	mustHold(t, b, "folder/a", []byte("again"))
}

func tooLargeIsRefused(t *testing.T, b blob.Bucket) {
	t.Helper()
	_, err := b.Put(t.Context(), "large", make([]byte, blob.MaxObject+1), blob.Always())
	if !errors.Is(err, blob.ErrTooLarge) {
		t.Fatalf("put of one byte too many: %v, want too large", err)
	}
	mustBeEmpty(t, b)
}

func randomBody(seed uint64, size int) []byte {
	body := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(body)
	return body
}

func mustPut(t *testing.T, b blob.Bucket, key string, body []byte, cond blob.Condition) blob.Version {
	t.Helper()
	version, err := b.Put(t.Context(), key, body, cond)
	if err != nil {
		t.Fatalf("put %s (%d bytes, %s): %v", key, len(body), cond, err)
	}
	return version
}

func mustHold(t *testing.T, b blob.Bucket, key string, body []byte) blob.Version {
	t.Helper()
	object, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	if object.Key != key || object.Size != int64(len(body)) || object.Version == "" {
		t.Fatalf("get %s describes %+v, want %d bytes with a version", key, object.Info, len(body))
	}
	if !bytes.Equal(object.Body, body) {
		t.Fatalf("get %s returned other content than was put", key)
	}
	return object.Version
}

func mustBeEmpty(t *testing.T, b blob.Bucket) {
	t.Helper()
	if keys := mustList(t, b, "", ""); len(keys) > 0 {
		t.Fatalf("bucket holds %q, want nothing", keys)
	}
}

func mustList(t *testing.T, b blob.Bucket, prefix, after string) []string {
	t.Helper()
	keys, err := list(t.Context(), b, prefix, after)
	if err != nil {
		t.Fatalf("list %q after %q: %v", prefix, after, err)
	}
	if !slices.IsSorted(keys) {
		t.Fatalf("list %q is out of order", prefix)
	}
	return keys
}

func list(ctx context.Context, b blob.Bucket, prefix, after string) ([]string, error) {
	var keys []string
	for info, err := range b.List(ctx, prefix, after) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, info.Key)
	}
	return keys, nil
}
