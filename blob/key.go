package blob

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on keys, in bytes. With the prefix of a store's URL a key stays within
// S3's 1,024, and a segment within a file name's 255.
const (
	MaxKey     = 900
	MaxSegment = 255
	MaxPrefix  = 1024 - MaxKey // of a store's URL
)

// CheckKey refuses, with ErrInvalidKey and the reason, a key that could leave
// its place or that stores disagree about: empty, longer than MaxKey, not UTF-8,
// with control characters or a backslash, or with a segment that is empty, ".",
// ".." or longer than MaxSegment. A key must not be the folder of another.
func CheckKey(key string) error {
	if key == "" {
		return fmt.Errorf("%w: it is empty", ErrInvalidKey)
	}
	if err := checkText(key); err != nil {
		return err
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" {
			return fmt.Errorf("%w: %q has an empty segment (a slash first, last or doubled)", ErrInvalidKey, key)
		}
		if err := checkSegment(key, segment); err != nil {
			return err
		}
	}
	return nil
}

// CheckPrefix refuses what cannot begin a valid key, for List's prefix and
// after. The empty prefix, a trailing slash and a cut segment are fine.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	if err := checkText(prefix); err != nil {
		return err
	}
	segments := strings.Split(prefix, "/")
	for i, segment := range segments {
		if segment == "" && i == len(segments)-1 && i > 0 {
			continue
		}
		if segment == "" {
			return fmt.Errorf("%w: prefix %q has an empty segment (a slash first or doubled)", ErrInvalidKey, prefix)
		}
		if err := checkSegment(prefix, segment); err != nil {
			return err
		}
	}
	return nil
}

// CheckPut validates what every store validates before a Put does any I/O.
func CheckPut(key string, body []byte, cond Condition) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if len(body) > MaxObject {
		return fmt.Errorf("put %s: %d bytes: %w", key, len(body), ErrTooLarge)
	}
	if v, ok := cond.Match(); ok && v == "" {
		return fmt.Errorf("put %s: no version to match: %w", key, ErrStale)
	}
	return nil
}

func checkText(key string) error {
	if len(key) > MaxKey {
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrInvalidKey, len(key), MaxKey)
	}
	if !utf8.ValidString(key) {
		return fmt.Errorf("%w: %q is not UTF-8", ErrInvalidKey, key)
	}
	if i := strings.IndexFunc(key, refused); i >= 0 {
		return fmt.Errorf("%w: %q has a control character or backslash at byte %d", ErrInvalidKey, key, i)
	}
	return nil
}

func refused(r rune) bool { return r == '\\' || unicode.IsControl(r) || r == 0xFFFE || r == 0xFFFF }

func checkSegment(key, segment string) error {
	if segment == "." || segment == ".." {
		return fmt.Errorf("%w: %q has the segment %q", ErrInvalidKey, key, segment)
	}
	if len(segment) > MaxSegment {
		return fmt.Errorf("%w: a segment of %d bytes, at most %d are allowed", ErrInvalidKey, len(segment), MaxSegment)
	}
	return nil
}
