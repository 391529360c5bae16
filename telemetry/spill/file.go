package spill

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// File is an open spill file. It is not safe for concurrent use.
type File struct {
	config Config
	lock   *os.File
	file   *os.File
	size   int64 // where the last whole record ends
	dirty  bool  // something may lie behind size
}

const fileMode = 0o600

// Open makes the file or opens what is there, cuts its torn end, and takes the
// lock: ErrInUse if somebody has it. The folder must exist. The caller must
// Close it.
func Open(config Config) (f *File, found Found, err error) {
	f = &File{config: config}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open spill file %s: %w", config.Path, err), f.Close())
		}
	}()
	if f.lock, err = os.OpenFile(config.Path+".lock", os.O_CREATE|os.O_RDWR, fileMode); err != nil {
		return f, found, err
	}
	if err := syscall.Flock(int(f.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a descriptor fits
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("%w: each process needs a file of its own", ErrInUse)
		}
		return f, found, err
	}
	if f.file, err = os.OpenFile(config.Path, os.O_CREATE|os.O_RDWR, fileMode); err != nil {
		return f, found, err
	}
	if err := f.file.Chmod(fileMode); err != nil {
		return f, found, err
	}
	info, err := f.file.Stat()
	if err != nil {
		return f, found, err
	}
	if info.Size() < headerSize { // new, or its maker died before the header was synced
		return f, found, f.begin()
	}
	if err := checkHeader(f.file, info.Size()); err != nil {
		return f, found, err
	}
	if found, f.size, err = walk(f.file, headerSize, info.Size(), func(Record) error { return nil }); err != nil {
		return f, found, err
	}
	if found.Torn > 0 {
		err = f.truncate(f.size)
	}
	return f, found, err
}

// begin writes the header, durably.
func (f *File) begin() error {
	if err := f.file.Truncate(0); err != nil {
		return err
	}
	if _, err := f.file.WriteAt(header(), 0); err != nil {
		return err
	}
	f.size = headerSize
	if err := f.file.Sync(); err != nil {
		return err
	}
	return syncFolder(f.config.Path)
}

// truncate makes size the end, durably.
func (f *File) truncate(size int64) error {
	f.dirty = true
	if err := f.file.Truncate(size); err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil {
		return err
	}
	f.size, f.dirty = size, false
	return nil
}

// Size is the length of the file in bytes, its header included.
func (f *File) Size() int64 { return f.size }

// Empty says that the file holds no record.
func (f *File) Empty() bool { return f.size <= headerSize }

// Start is where the first record lies, if there is one.
func (f *File) Start() int64 { return headerSize }

// Append keeps the payloads, all or none: once it returns without error they
// are on disk. With OldestOut it may forget the oldest records to make room; it
// returns them, and offsets that Read returned before are no longer good then.
// After an error, ErrFull or the disk's, the file is as it was.
func (f *File) Append(payloads [][]byte) (forgotten []Record, err error) {
	var batch []byte
	for _, payload := range payloads {
		if len(payload) == 0 || len(payload) > MaxRecord {
			return nil, fmt.Errorf("spill a record of %d bytes: allowed are 1 to %d", len(payload), MaxRecord)
		}
		batch = appendRecord(batch, payload)
	}
	if f.dirty {
		if err := f.truncate(f.size); err != nil {
			return nil, fmt.Errorf("spill: %w", err)
		}
	}
	if need := int64(len(batch)); f.size+need > f.config.MaxBytes {
		if f.config.WhenFull == Block || headerSize+need > f.config.MaxBytes {
			return nil, fmt.Errorf("%w: %d of %d bytes are taken, %d more are wanted", ErrFull, f.size, f.config.MaxBytes, need)
		}
		if forgotten, err = f.forget(f.config.MaxBytes - need); err != nil {
			return nil, err
		}
	}
	if _, err = f.file.WriteAt(batch, f.size); err == nil {
		err = f.file.Sync()
	}
	if err != nil {
		// What was written is cut, now or before the next batch: nobody heard of it.
		return forgotten, errors.Join(fmt.Errorf("spill %d records: %w", len(payloads), err), f.truncate(f.size))
	}
	f.size += int64(len(batch))
	return forgotten, nil
}

// forget drops the oldest records until the file has at most size bytes, and
// at least a quarter of the cap so that this is rare.
func (f *File) forget(size int64) (forgotten []Record, err error) {
	size = min(size, f.config.MaxBytes*3/4)
	_, _, err = walk(f.file, headerSize, f.size, func(r Record) error {
		if f.size-r.At+headerSize <= size {
			return errStop
		}
		forgotten = append(forgotten, r)
		return nil
	})
	if err != nil && !errors.Is(err, errStop) {
		return nil, err
	}
	if len(forgotten) == 0 {
		return nil, nil
	}
	return forgotten, f.Drop(forgotten[len(forgotten)-1].End, nil)
}

// Read returns whole records from offset at on, about maxBytes of them and at
// least one if there is one.
func (f *File) Read(at int64, maxBytes int) ([]Record, error) {
	var records []Record
	size := 0
	_, _, err := walk(f.file, at, f.size, func(r Record) error {
		records = append(records, r)
		if size += len(r.Payload); size >= maxBytes {
			return errStop
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStop) {
		return nil, err
	}
	return records, nil
}

// Drop forgets, durably, all that lies before until but the records in keep,
// which were Read and are in order. A process that is killed meanwhile leaves
// the file as it was or as it is to be.
func (f *File) Drop(until int64, keep []Record) error {
	if until >= f.size && len(keep) == 0 {
		if err := f.truncate(headerSize); err != nil {
			return fmt.Errorf("empty spill file: %w", err)
		}
		return nil
	}
	if err := f.rewrite(until, keep); err != nil {
		return fmt.Errorf("rewrite spill file: %w", err)
	}
	return nil
}

// rewrite puts a new file in the old one's place.
func (f *File) rewrite(until int64, keep []Record) (err error) {
	path := f.config.Path + ".new"
	next, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, fileMode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && f.file != next {
			err = errors.Join(err, next.Close(), os.Remove(path))
		}
	}()
	parts := []io.Reader{io.NewSectionReader(f.file, 0, headerSize)}
	size := int64(headerSize)
	for _, r := range append(slices.Clip(keep), Record{At: until, End: f.size}) {
		parts = append(parts, io.NewSectionReader(f.file, r.At, r.End-r.At))
		size += r.End - r.At
	}
	if _, err := io.Copy(next, io.MultiReader(parts...)); err != nil {
		return err
	}
	if err := next.Sync(); err != nil {
		return err
	}
	if err := os.Rename(path, f.config.Path); err != nil {
		return err
	}
	old := f.file
	f.file, f.size, f.dirty = next, size, false
	_ = old.Close() // nothing of it is needed, and all of it was synced
	return syncFolder(f.config.Path)
}

// Close lets go of the file and the lock. Whatever was kept is on disk already.
func (f *File) Close() error {
	var errs []error
	for _, open := range []*os.File{f.file, f.lock} {
		if open != nil {
			errs = append(errs, open.Close())
		}
	}
	return errors.Join(errs...)
}

// syncFolder makes a name in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
