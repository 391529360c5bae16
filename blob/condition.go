package blob

import "fmt"

// Condition is what must hold for a Put to take effect. The zero value is
// Always.
type Condition struct {
	absent  bool
	match   bool
	version Version
}

// Always puts whatever is there: for hints that may be rewritten at will.
func Always() Condition { return Condition{} }

// IfAbsent puts only where no object is.
func IfAbsent() Condition { return Condition{absent: true} }

// IfMatch puts only over an object that still has the version v.
func IfMatch(v Version) Condition { return Condition{match: true, version: v} }

// Absent reports whether c is IfAbsent.
func (c Condition) Absent() bool { return c.absent }

// Match returns the version to replace, and whether c is an IfMatch.
func (c Condition) Match() (Version, bool) { return c.version, c.match }

// Holds reports whether c holds over an object of version v, or, where exists is
// false, over nothing.
func (c Condition) Holds(v Version, exists bool) bool {
	if c.match {
		return exists && v == c.version
	}
	return !c.absent || !exists
}

// Failed is the error of a Put at key that found c not to hold: ErrExists or
// ErrStale.
func (c Condition) Failed(key string) error {
	if c.match {
		return fmt.Errorf("put %s: %w", key, ErrStale)
	}
	return fmt.Errorf("put %s: %w", key, ErrExists)
}

// String names the condition in errors and test output.
func (c Condition) String() string {
	switch {
	case c.absent:
		return "if absent"
	case c.match:
		return "if match " + string(c.version)
	default:
		return "always"
	}
}
