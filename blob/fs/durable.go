package fs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

const (
	dirMode  = 0o750
	fileMode = 0o640
)

// durable remembers directories whose names are known to survive a loss of
// power, so that a Put syncs only what is new to this process.
type durable struct {
	calls calls
	mu    sync.Mutex
	known map[string]struct{} // guarded by mu; at most maxKnown
}

const maxKnown = 4096

// make creates dir and its parents below root where they are missing, and syncs
// the parent of each that this process has not synced before: another process
// may have created it and not have come to that.
func (d *durable) make(root, dir string) error {
	if d.knows(dir) {
		return nil
	}
	if dir == root {
		return d.settle(root)
	}
	parent := filepath.Dir(dir)
	if err := d.make(root, parent); err != nil {
		return err
	}
	if err := d.calls.mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := d.calls.syncDir(parent); err != nil {
		return err
	}
	d.add(dir)
	return nil
}

func (d *durable) knows(dir string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.known[dir]
	return ok
}

func (d *durable) add(dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || len(d.known) >= maxKnown {
		d.known = map[string]struct{}{}
	}
	d.known[dir] = struct{}{}
}

// forget is called when a directory turned out to be gone.
func (d *durable) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = nil
}

// settle syncs the names that lead to the store in root: whoever made it may have
// died before it came to that. A folder above it that this process may not read
// is older than the store.
func (d *durable) settle(root string) error {
	for _, dir := range []string{filepath.Join(root, own), root} {
		if err := d.calls.syncDir(dir); err != nil {
			return err
		}
	}
	for dir := root; dir != filepath.Dir(dir); {
		dir = filepath.Dir(dir)
		err := d.calls.syncDir(dir)
		if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EINVAL) {
			return err
		}
	}
	d.add(root)
	return nil
}

// makeAll creates dir and its parents where they are missing.
func (s calls) makeAll(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && info.IsDir() {
		return nil
	}
	if err == nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: errors.New("a file is in the way")}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(dir)
	if err := s.makeAll(parent); err != nil {
		return err
	}
	if err := s.mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
