package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Digest is the SHA-256 of an object's body: 64 lower-case hexadecimal digits.
type Digest string

// Ref names a body by its digest and its size in bytes.
type Ref struct {
	Digest Digest `json:"digest"`
	Size   int64  `json:"size"`
}

// DigestOf returns the digest of body.
func DigestOf(body []byte) Digest {
	sum := sha256.Sum256(body)
	return Digest(hex.EncodeToString(sum[:]))
}

// ParseDigest accepts exactly what DigestOf writes.
func ParseDigest(s string) (Digest, error) {
	if len(s) != 2*sha256.Size {
		return "", fmt.Errorf("parse digest: %d characters, want %d", len(s), 2*sha256.Size)
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fmt.Errorf("parse digest: character %d of %q is no lower-case hexadecimal digit", i, s)
		}
	}
	return Digest(s), nil
}

// RefOf names body.
func RefOf(body []byte) Ref { return Ref{Digest: DigestOf(body), Size: int64(len(body))} }

// Verify returns a *CorruptError unless body, found at key, has the digest want.
func Verify(key string, body []byte, want Digest) error {
	if got := DigestOf(body); got != want {
		return &CorruptError{Key: key, Want: want, Got: got, Size: int64(len(body))}
	}
	return nil
}

// A CorruptError says which object does not hold the content it is named for,
// and what it holds instead: Size bytes with the digest Got. It matches
// ErrCorrupt.
type CorruptError struct {
	Key       string
	Want, Got Digest
	Size      int64
}

// Error names the object and both digests.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s: expected sha256 %s, found %d bytes with sha256 %s: %v", e.Key, e.Want, e.Size, e.Got, ErrCorrupt)
}

// Unwrap returns ErrCorrupt.
func (e *CorruptError) Unwrap() error { return ErrCorrupt }
