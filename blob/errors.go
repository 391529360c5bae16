package blob

import "errors"

// The kinds of failure a store tells apart. Errors wrap exactly one of them,
// beside the context's own error where a context ended.
var (
	// ErrNotFound: no object has this key. Never a failed look-up.
	ErrNotFound = errors.New("object not found")
	// ErrExists: IfAbsent found an object with other content.
	ErrExists = errors.New("object already exists")
	// ErrStale: IfMatch found another version, or nothing.
	ErrStale = errors.New("object has changed")
	// ErrConflict: another write was under way; nothing was stored, try again.
	ErrConflict = errors.New("concurrent write to the object")
	// ErrAmbiguous: the answer was lost; read back what is there.
	ErrAmbiguous = errors.New("write may or may not have happened")
	// ErrTooLarge: the object exceeds MaxObject.
	ErrTooLarge = errors.New("object larger than 64 MiB")
	// ErrThrottled: the store asks for fewer requests; nothing was stored.
	ErrThrottled = errors.New("object store asks to slow down")
	// ErrDenied: credentials, permission, region, bucket or disk settings are
	// wrong; trying again does not help.
	ErrDenied = errors.New("object store refuses")
	// ErrUnavailable: the store cannot be reached or failed before storing.
	ErrUnavailable = errors.New("object store unavailable")
	// ErrInvalidKey: the key is not one a store may be asked for.
	ErrInvalidKey = errors.New("invalid object key")
	// ErrCorrupt: the bytes are not those that were stored.
	ErrCorrupt = errors.New("object corrupt")
)

// Temporary reports whether err is weather: the same call may succeed later,
// and repeating it is safe. It decides nothing about contexts that ended.
func Temporary(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrThrottled) ||
		errors.Is(err, ErrConflict) || errors.Is(err, ErrAmbiguous)
}
