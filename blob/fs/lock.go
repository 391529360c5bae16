package fs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lock waits for the store's lock, which excludes replacements and deletions by
// other goroutines and processes, until ctx ends. The system releases it when
// its holder dies. Nothing slow is done under it.
func (b *Bucket) lock(ctx context.Context) (unlock func(), err error) {
	select {
	case b.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f, err := os.OpenFile(filepath.Join(b.root, own, "lock"), os.O_CREATE|os.O_RDWR, fileMode)
	if err == nil {
		err = flockUntil(ctx, f)
	}
	unlock = func() {
		if f != nil {
			_ = f.Close() // releases the lock
		}
		<-b.turn
	}
	if err != nil {
		unlock()
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, b.moved(err)
	}
	return unlock, nil
}

// flockUntil asks again and again rather than block: a blocked flock would
// outlive ctx.
func flockUntil(ctx context.Context, f *os.File) error {
	const longest = 20 * time.Millisecond
	pause := time.Millisecond
	for {
		err := flock(f)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		pause = min(2*pause, longest)
	}
}

// flock takes the lock of an open file, or returns EWOULDBLOCK.
func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
