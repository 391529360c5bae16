package blob_test

import (
	"errors"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/blob"
)

func TestAcceptedKeyStaysInItsPlace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{"a", "B", ".", "..", "/", "\\", "\x00", "\n", "é", "\xff", "%2e", " "}))
		key := strings.Join(pieces.Draw(t, "key"), "")
		err := blob.CheckKey(key)
		if err != nil {
			if !errors.Is(err, blob.ErrInvalidKey) {
				t.Fatalf("%q: %v is no ErrInvalidKey", key, err)
			}
			return
		}
		if path.Clean("/"+key) != "/"+key || strings.ContainsAny(key, "\x00\n\\") || !utf8.ValidString(key) {
			t.Fatalf("%q was accepted", key)
		}
		for i := range key {
			if prefix := key[:i]; blob.CheckPrefix(prefix) != nil && !strings.HasSuffix("/"+prefix, "/.") && !strings.HasSuffix("/"+prefix, "/..") {
				t.Fatalf("key %q is accepted, its prefix %q is not", key, prefix)
			}
		}
	})
}

func TestDigestParsesWhatItWrites(t *testing.T) {
	t.Parallel()
	digest := blob.DigestOf([]byte("abc")) // FIPS 180-2, appendix B.1
	if digest != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Fatalf("digest of abc is %s", digest)
	}
	if got, err := blob.ParseDigest(string(digest)); got != digest || err != nil {
		t.Fatalf("parse: %s, %v", got, err)
	}
	text := string(digest)
	for _, bad := range []string{"", text[1:], text + "0", strings.ToUpper(text), text[1:] + "g", text[1:] + "/"} {
		if got, err := blob.ParseDigest(bad); err == nil {
			t.Errorf("%q was accepted as %s", bad, got)
		}
	}
}
