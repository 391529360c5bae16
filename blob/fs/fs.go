// Package fs is a blob.Bucket in a directory, safe between processes of one
// machine and across a loss of power.
//
// An object is a file whose path is its key, escaped segment by segment (see
// name.go). A new object is written to a temporary file, fsynced, linked to its
// name (which fails if the name is taken) and its directory is fsynced; a
// replacement is renamed over the old file under a lock. The folder .cohort
// holds the lock and the temporary files, and marks the directory as a store.
//
// A crash leaves whole objects and at most temporary files, which Sweep removes.
// Empty directories stay. It needs flock(2) and link(2), and a file system that
// keeps what fsync has returned for.
package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cohort-rl/cohort/blob"
)

// Bucket is a blob.Bucket. Its versions follow from content alone. Head and List
// leave Version empty. It holds no file open between calls.
type Bucket struct {
	root  string
	calls calls
	dirs  durable
	turn  chan struct{} // holds a token while a goroutine here has the lock
}

// Create opens the store in dir and makes it, durably, where there is none.
func Create(dir string) (*Bucket, error) {
	return createWith(calls{}, dir)
}

func createWith(s calls, dir string) (*Bucket, error) {
	b, err := at(s, dir)
	if err != nil {
		return nil, err
	}
	err = s.makeAll(b.temporary())
	if err == nil {
		err = b.dirs.settle(b.root)
	}
	if err != nil {
		return nil, fmt.Errorf("create store in %s: %w", b.root, kindOf(err))
	}
	return b, nil
}

// Open opens the store in dir. Where there is none it returns fs.ErrNotExist and
// creates nothing.
func Open(dir string) (*Bucket, error) {
	return openWith(calls{}, dir)
}

func openWith(s calls, dir string) (*Bucket, error) {
	b, err := at(s, dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(b.temporary()); err != nil {
		return nil, fmt.Errorf("open store: %s holds none: %w", b.root, err)
	}
	return b, nil
}

func at(s calls, dir string) (*Bucket, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open store in %s: %w", dir, err)
	}
	return &Bucket{root: root, calls: s, dirs: durable{calls: s}, turn: make(chan struct{}, 1)}, nil
}

// Get implements blob.Bucket.
func (b *Bucket) Get(ctx context.Context, key string) (blob.Object, error) {
	name, err := b.begin(ctx, "get", key)
	if err != nil {
		return blob.Object{}, err
	}
	body, err := read(name)
	if err != nil {
		return blob.Object{}, fmt.Errorf("get %s: %w", key, b.missing(err))
	}
	return blob.Object{Info: blob.Info{Key: key, Size: int64(len(body)), Version: versionOf(body)}, Body: body}, nil
}

// Head implements blob.Bucket.
func (b *Bucket) Head(ctx context.Context, key string) (blob.Info, error) {
	name, err := b.begin(ctx, "head", key)
	if err != nil {
		return blob.Info{}, err
	}
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return blob.Info{}, fmt.Errorf("head %s: %w", key, b.missing(err))
	}
	return blob.Info{Key: key, Size: info.Size()}, nil
}

// Delete implements blob.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	name, err := b.begin(ctx, "delete", key)
	if err != nil {
		return err
	}
	unlock, err := b.lock(ctx)
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	info, err := os.Lstat(name)
	if err == nil && !info.IsDir() {
		err = b.calls.remove(name)
	}
	unlock()
	if err == nil {
		err = b.calls.syncDir(filepath.Dir(name))
	}
	if err = b.missing(err); err != nil && !errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// begin does what precedes all I/O on key.
func (b *Bucket) begin(ctx context.Context, op, key string) (string, error) {
	if err := blob.CheckKey(key); err != nil {
		return "", err
	}
	name, err := b.path(key)
	if err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("%s %s: %w", op, key, err)
	}
	return name, nil
}

// missing gives err its kind. A missing file is ErrNotFound only while the store
// itself is there: an unmounted disk has no objects, and has lost none.
func (b *Bucket) missing(err error) error {
	if !absent(err) {
		return kindOf(err)
	}
	if _, gone := os.Stat(b.temporary()); gone != nil {
		return fmt.Errorf("%w: the store in %s is gone: %w", blob.ErrUnavailable, b.root, gone)
	}
	return blob.ErrNotFound
}

// read returns the whole file, which is never changed in place.
func read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	if info.Size() > blob.MaxObject {
		return nil, fmt.Errorf("%d bytes: %w", info.Size(), blob.ErrTooLarge)
	}
	body := make([]byte, info.Size())
	_, err = io.ReadFull(f, body)
	return body, err
}

func (b *Bucket) temporary() string { return filepath.Join(b.root, own, "tmp") }
