package spec

import (
	"fmt"
	"regexp"
	"strconv"
)

// Size is a number of bytes, written like 16MiB or as a plain number.
type Size int64

// sizePattern is what a size with a unit looks like, in the schema and here.
const sizePattern = `^(0|[1-9][0-9]{0,17})(B|KiB|MiB|GiB)$`

var sizeForm = regexp.MustCompile(sizePattern)

// sizeUnits lists the units from the largest to the smallest.
func sizeUnits() []struct {
	name  string
	bytes int64
} {
	return []struct {
		name  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}
}

// String returns s in the largest unit that divides it: 16MiB, not 16384KiB.
func (s Size) String() string {
	for _, u := range sizeUnits() {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return "0B"
}

// parseSize reads a size with a unit.
func parseSize(text string) (Size, error) {
	m := sizeForm.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("read %q as a size: needs a whole number of B, KiB, MiB or GiB, such as 16MiB", text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read size: %w", err)
	}
	for _, u := range sizeUnits() {
		if u.name == m[2] {
			if n > (1<<62)/u.bytes {
				return Size(1 << 62), nil // out of every bound, and no overflow
			}
			n *= u.bytes
		}
	}
	return Size(n), nil
}
