package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/cespare/xxhash/v2"

	"github.com/cohort-rl/cohort/blob"
)

// errMoved says that a file or folder which this Put relied on was removed by
// another process meanwhile; the Put begins again.
var errMoved = errors.New("files were removed meanwhile")

// Put implements blob.Bucket. The order of its effects: temporary file synced,
// parents synced, name taken, directory synced.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	if err := blob.CheckPut(key, body, cond); err != nil {
		return "", err
	}
	name, err := b.path(key)
	if err != nil {
		return "", err
	}
	const attempts = 16
	for range attempts {
		err = b.put(ctx, name, body, cond)
		if !errors.Is(err, errMoved) {
			break
		}
		b.dirs.forget()
	}
	switch {
	case err == nil:
		return versionOf(body), nil
	case errors.Is(err, errFailed):
		return "", cond.Failed(key)
	default:
		return "", fmt.Errorf("put %s: %w", key, err)
	}
}

// errFailed says that the condition does not hold over other content.
var errFailed = errors.New("condition failed")

func (b *Bucket) put(ctx context.Context, name string, body []byte, cond blob.Condition) error {
	if cond.Absent() {
		// The common loser need not write its body to learn that it lost.
		if err := b.compare(name, body); !errors.Is(err, errMoved) {
			return err
		}
	}
	temp, err := b.write(ctx, body)
	if err != nil {
		return err
	}
	defer temp.discard()
	if err := b.dirs.make(b.root, filepath.Dir(name)); err != nil {
		return b.moved(err)
	}
	// The last moment to turn back: what follows is not undone.
	if err := ctx.Err(); err != nil {
		return err
	}
	if cond.Absent() {
		err = b.link(temp, name, body)
	} else {
		err = b.replace(ctx, temp, name, body, cond)
	}
	if err != nil {
		return err
	}
	if err := b.calls.syncDir(filepath.Dir(name)); err != nil {
		return fmt.Errorf("%w: %w", blob.ErrAmbiguous, err)
	}
	return nil
}

// link gives the temporary file its name if that is free.
func (b *Bucket) link(temp *temporary, name string, body []byte) error {
	err := b.calls.link(temp.name, name)
	if errors.Is(err, fs.ErrExist) {
		return b.compare(name, body)
	}
	return b.moved(err)
}

// replace renames the temporary file over name if cond holds. No other replace
// or delete happens between the comparison and the renaming, in any process;
// nor does a creation, which fails while the old file is there.
func (b *Bucket) replace(ctx context.Context, temp *temporary, name string, body []byte, cond blob.Condition) error {
	unlock, err := b.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if _, ok := cond.Match(); ok {
		old, err := read(name)
		if err != nil && !absent(err) && !errors.Is(err, blob.ErrTooLarge) {
			return kindOf(err)
		}
		if err != nil || !cond.Holds(versionOf(old), true) {
			return b.told(name, err == nil, err == nil && bytes.Equal(old, body))
		}
	}
	if info, err := os.Lstat(name); err == nil && info.IsDir() {
		return kindOf(&fs.PathError{Op: "put", Path: name, Err: syscall.EISDIR})
	}
	return b.moved(b.calls.rename(temp.name, name))
}

// compare decides a Put that found its name taken: nil if the content is body,
// errFailed if not, errMoved if nothing is there any more.
func (b *Bucket) compare(name string, body []byte) error {
	info, err := os.Lstat(name)
	switch {
	case absent(err):
		return b.moved(err)
	case err != nil:
		return kindOf(err)
	case info.IsDir():
		return kindOf(&fs.PathError{Op: "put", Path: name, Err: syscall.EISDIR})
	case info.Size() != int64(len(body)):
		return b.told(name, true, false)
	}
	old, err := read(name)
	if err != nil {
		return b.moved(err)
	}
	return b.told(name, true, bytes.Equal(old, body))
}

// told tells success from failure once a condition did not hold. Whoever is
// told reads what is there and builds on it, so it is made durable first: its
// writer may have died between the naming and the sync.
func (b *Bucket) told(name string, exists, equal bool) error {
	if exists {
		if err := b.dirs.make(b.root, filepath.Dir(name)); err != nil {
			return b.moved(err)
		}
		if err := b.calls.syncDir(filepath.Dir(name)); err != nil {
			return b.moved(err)
		}
	}
	if !equal {
		return errFailed
	}
	return nil
}

// moved turns the absence of something that was there a moment ago into
// errMoved, unless the store itself is gone.
func (b *Bucket) moved(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return kindOf(err)
	}
	if gone := b.missing(err); !errors.Is(gone, blob.ErrNotFound) {
		return gone
	}
	return errMoved
}

// versionOf tags content: IfMatch needs to tell what it read from what is there
// now, not to resist an attacker. It is 64 bits of xxHash and the size.
func versionOf(body []byte) blob.Version {
	return blob.Version(strconv.FormatUint(xxhash.Sum64(body), 16) + "-" + strconv.Itoa(len(body)))
}
