package fs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

const (
	dirMode  = 0o750
	fileMode = 0o640
)

// durable remembers directories whose names are known to survive a loss of
// power, so that a Put syncs only what is new to this process.
type durable struct {
	mu    sync.Mutex
	known map[string]struct{} // guarded by mu; at most maxKnown
}

const maxKnown = 4096

// make creates dir and its parents below root where they are missing, and syncs
// the parent of each that this process has not synced before: another process
// may have created it and not have come to that.
func (d *durable) make(root, dir string) error {
	if dir == root || d.knows(dir) {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := d.make(root, parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := syncDir(parent); err != nil {
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

// makeAll creates dir and its parents where they are missing, durably.
func makeAll(dir string) error {
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
	if err := makeAll(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
