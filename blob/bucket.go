// Package blob is Cohort's contract with object storage: whole objects of at
// most MaxObject bytes under validated keys, written under a condition and read
// back verified. Stores live in blob/fs, blob/s3 and blob/mem; blob/blobtest is
// the suite that every one of them passes, and blob/probe refuses a server that
// does not keep the contract.
package blob

import (
	"context"
	"iter"
)

// MaxObject is the largest body a store takes or returns, in bytes (64 MiB).
// What is larger is cut into several objects by its owner.
const MaxObject = 64 << 20

// Version is an opaque tag of an object's content. Only IfMatch interprets it,
// and only on the store that gave it. A store may give equal content equal
// versions.
type Version string

// Info describes a stored object. Size is in bytes. Version is empty where
// knowing it would mean reading the object: Head and List may leave it empty,
// Get and Put never do.
type Info struct {
	Key     string
	Size    int64
	Version Version
}

// Object is a stored object as a whole. The caller owns Body.
type Object struct {
	Info
	Body []byte
}

// Bucket is a flat space of objects, safe for concurrent use by any number of
// processes. Each key is a linearizable register: an object is seen whole or
// not at all, and once seen, its Put was durable or becomes so when it returns.
//
// Every method refuses an invalid key with ErrInvalidKey before any I/O, and
// wraps its errors around the sentinels of this package. A look-up that failed
// is never reported as ErrNotFound.
type Bucket interface {
	// Get returns the whole object. Errors: ErrNotFound; ErrTooLarge when it
	// exceeds MaxObject. A body shorter than the store announced is an error.
	Get(ctx context.Context, key string) (Object, error)

	// Put stores body at key if cond holds, durably on return. The body is the
	// caller's again then, who may change it.
	//
	// A condition that does not hold on an object whose content already equals
	// body is success: so looks a writer's own earlier attempt whose answer was
	// lost, and every Put may be repeated. Otherwise the errors are ErrExists
	// (IfAbsent), ErrStale (IfMatch), ErrConflict (another write was under way;
	// try again), ErrAmbiguous (it may or may not have been stored) and
	// ErrTooLarge. A cancelled Put leaves the old object or the whole new one.
	Put(ctx context.Context, key string, body []byte, cond Condition) (Version, error)

	// Head describes the object without its body. Errors: ErrNotFound.
	Head(ctx context.Context, key string) (Info, error)

	// List yields the objects whose keys begin with prefix and come after
	// after, in ascending byte order of keys. An error is yielded once and ends
	// the sequence. Objects put or deleted meanwhile may or may not appear.
	List(ctx context.Context, prefix, after string) iter.Seq2[Info, error]

	// Delete removes the object; removing what is not there is no error.
	Delete(ctx context.Context, key string) error
}
