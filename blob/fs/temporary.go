package fs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// temporary is a synced file without its final name. Its lock, held until it is
// discarded, tells Sweep that its writer lives.
type temporary struct {
	name  string
	file  *os.File
	calls calls
}

// write stores body in a new temporary file. On error nothing is left.
func (b *Bucket) write(ctx context.Context, body []byte) (*temporary, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := b.calls.create(b.temporary())
	if err != nil {
		return nil, b.moved(err)
	}
	t := &temporary{name: f.Name(), file: f, calls: b.calls}
	if err := t.fill(ctx, body); err != nil {
		t.discard()
		return nil, err
	}
	return t, nil
}

func (t *temporary) fill(ctx context.Context, body []byte) error {
	if err := flock(t.file); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return errMoved // Sweep came first
		}
		return kindOf(err)
	}
	const chunk = 4 << 20 // what may be written in vain once ctx ended
	for len(body) > 0 {
		n, err := t.calls.write(t.file, body[:min(chunk, len(body))])
		if err != nil {
			return kindOf(err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		body = body[n:]
	}
	if err := t.file.Chmod(fileMode); err != nil {
		return kindOf(err)
	}
	return kindOf(t.calls.sync(t.file))
}

// discard removes the temporary name, which after a rename is gone already, and
// releases the lock. It was synced: an error of Close loses nothing.
func (t *temporary) discard() {
	_ = t.calls.remove(t.name)
	_ = t.file.Close()
}

// Sweep removes the temporary files of writers that died and returns their
// number. It may run at any time, in any process: a living writer holds a lock
// on its file.
func (b *Bucket) Sweep(ctx context.Context) (int, error) {
	entries, err := os.ReadDir(b.temporary())
	if err != nil {
		return 0, fmt.Errorf("sweep: %w", kindOf(err))
	}
	removed := 0
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return removed, fmt.Errorf("sweep: %w", err)
		}
		orphan, err := b.sweep(filepath.Join(b.temporary(), entry.Name()))
		if err != nil {
			return removed, fmt.Errorf("sweep: %w", kindOf(err))
		}
		if orphan {
			removed++
		}
	}
	return removed, nil
}

func (b *Bucket) sweep(name string) (bool, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // it was only locked
	if err := flock(f); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, nil
		}
		return false, err
	}
	err = b.calls.remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
