// Package job holds what a job is and decides what happens next in it: ids,
// units of collection, plans, the records that say what was done, fates, the
// log, and the pure state machine that coordinators and workers run. Nothing
// here does I/O, reads a clock or draws randomness.
package job

import (
	"errors"
	"fmt"
	"regexp"
)

// ErrInvalidID says that an id from outside is no id of ours.
var ErrInvalidID = errors.New("invalid job id")

// ID names a job: 1 to 64 of the characters a-z, 0-9 and "-", the first no
// "-". It is therefore safe as a segment of object keys, topics and URLs.
type ID string

// ParseID checks an id that came from outside.
func ParseID(s string) (ID, error) {
	if len(s) > 64 || !regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`).MatchString(s) {
		return "", fmt.Errorf("%w %q: use 1 to 64 of a-z, 0-9 and \"-\", not starting with \"-\"", ErrInvalidID, s)
	}
	return ID(s), nil
}
