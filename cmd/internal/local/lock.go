package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock takes the lock of a data folder. The system lets go of it when the
// process ends, however that is.
func lock(path string) (unlock func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the folder is the user's choice
	if err != nil {
		return nil, fmt.Errorf("lock --dir: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a file descriptor fits
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another cohort is running on it; stop that one, or choose another folder")
		}
		return nil, errors.Join(fmt.Errorf("--dir %s: %w", filepath.Dir(path), err), f.Close())
	}
	return f.Close, nil
}
