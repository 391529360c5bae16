package spec

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Duration is a length of time, written like 90s, 10m or 1h30m.
type Duration time.Duration

// durationPattern is what a duration looks like, in the schema and here.
const durationPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`

var durationForm = regexp.MustCompile(durationPattern)

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns the shortest form of d that reads back as d: 1h, not 1h0m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// parseDuration reads a duration; fractions of a nanosecond are cut off.
func parseDuration(s string) (Duration, error) {
	if !durationForm.MatchString(s) {
		return 0, fmt.Errorf("read %q as a duration: needs numbers with a unit, such as 90s or 1h30m", s)
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("read duration: %w", err)
	}
	return Duration(d), nil
}
