package fs

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cohort-rl/cohort/blob"
)

// own is the folder that is the store's, not an object's: no escaped segment
// begins with a dot.
const own = ".cohort"

const maxName = 255 // bytes, of one file name

// path returns the file of a valid key.
func (b *Bucket) path(key string) (string, error) {
	segments := strings.Split(key, "/")
	for i, segment := range segments {
		segments[i] = escape(segment)
		if len(segments[i]) > maxName {
			return "", fmt.Errorf("%w: segment %q is %d bytes as a file name, at most %d are allowed",
				blob.ErrInvalidKey, segment, len(segments[i]), maxName)
		}
	}
	return filepath.Join(b.root, filepath.Join(segments...)), nil
}

// escape writes a segment as a file name that no file system folds into another:
// a byte outside a-z 0-9 - _ . , = + @ ~, and a dot in front, becomes % and two
// upper-case hexadecimal digits.
func escape(segment string) string {
	var name strings.Builder
	for i := range len(segment) {
		c := segment[i]
		if plain(c) && (c != '.' || i > 0) {
			name.WriteByte(c)
		} else {
			fmt.Fprintf(&name, "%%%02X", c)
		}
	}
	return name.String()
}

// unescape returns the segment of a file name, and false for a name that escape
// never writes: that file is not ours.
func unescape(name string) (string, bool) {
	var segment strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '%' {
			segment.WriteByte(name[i])
			continue
		}
		if i+2 >= len(name) {
			return "", false
		}
		high, low := strings.IndexByte(hexadecimal, name[i+1]), strings.IndexByte(hexadecimal, name[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		segment.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return segment.String(), escape(segment.String()) == name
}

const hexadecimal = "0123456789ABCDEF"

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-_.,=+@~", c) >= 0
}
