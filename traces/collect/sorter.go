package collect

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
)

// maxRuns is how many runs are merged at a time.
const maxRuns = 192

// sorter brings entries of one key together. Lanes fill it side by side; then it
// is read by merge.
type sorter struct {
	dir    string
	memory int64 // of a lane

	mu    sync.Mutex // guards what follows
	files []*os.File
	runs  []run
	held  []*buffer
	spill int64 // bytes that were put on disk
}

func newSorter(dir string, memory int64) *sorter { return &sorter{dir: dir, memory: memory} }

// lane is what one goroutine fills.
type lane struct {
	sorter *sorter
	buffer *buffer
	file   *os.File
	size   int64 // of the file
}

func (s *sorter) lane() *lane { return &lane{sorter: s, buffer: newBuffer()} }

// add takes an entry. Its error is that of the disk.
func (l *lane) add(key string, e entry) error {
	l.buffer.add(key, e)
	if l.buffer.bytes < l.sorter.memory {
		return nil
	}
	return l.flush()
}

// flush puts what is held on disk, as a run.
func (l *lane) flush() error {
	if l.file == nil {
		file, err := l.sorter.file()
		if err != nil {
			return err
		}
		l.file = file
	}
	w := newRunWriter(l.file, l.size)
	for _, key := range l.buffer.sorted() {
		all := *l.buffer.groups[key]
		bytes := int64(0)
		for i := range all {
			bytes += int64(len(all[i].body))
		}
		if err := w.begin(key, len(all), bytes); err != nil {
			return onDisk(err)
		}
		for i := range all {
			if err := w.add(&all[i]); err != nil {
				return onDisk(err)
			}
		}
	}
	done, err := w.end()
	if err != nil {
		return onDisk(err)
	}
	l.size, l.buffer = done.to, newBuffer()
	l.sorter.mu.Lock()
	defer l.sorter.mu.Unlock()
	l.sorter.runs = append(l.sorter.runs, done)
	l.sorter.spill += done.to - done.from
	return nil
}

// done leaves what the lane still holds to merge.
func (l *lane) done() {
	l.sorter.mu.Lock()
	defer l.sorter.mu.Unlock()
	if len(l.buffer.groups) > 0 {
		l.sorter.held = append(l.sorter.held, l.buffer)
	}
	l.buffer = newBuffer()
}

func onDisk(err error) error { return fmt.Errorf("put on disk what memory does not hold: %w", err) }

func (s *sorter) file() (*os.File, error) {
	file, err := spillFile(s.dir)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, file)
	return file, nil
}

// reduce merges runs into longer ones until few enough are left.
func (s *sorter) reduce(ctx context.Context) error {
	for len(s.runs) > maxRuns {
		file, err := s.file()
		if err != nil {
			return err
		}
		m := newMerge(s.runs[:maxRuns], nil)
		w := newRunWriter(file, 0)
		for {
			g, err := m.next()
			if err != nil {
				return err
			}
			if g == nil {
				break
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := w.begin(g.key, g.entries, g.bytes); err != nil {
				return onDisk(err)
			}
			if err := g.each(w.add); err != nil {
				return err
			}
		}
		done, err := w.end()
		if err != nil {
			return onDisk(err)
		}
		s.runs = append(s.runs[maxRuns:], done)
	}
	return nil
}

// merge begins to read; nothing may be added any more.
func (s *sorter) merge(ctx context.Context) (*merge, error) {
	if err := s.reduce(ctx); err != nil {
		return nil, err
	}
	return newMerge(s.runs, s.held), nil
}

func (s *sorter) close() error {
	var failures []error
	for _, f := range s.files {
		failures = append(failures, f.Close())
	}
	s.files, s.runs, s.held = nil, nil, nil
	return errors.Join(failures...)
}

// spilled is how many bytes were put on disk.
func (s *sorter) spilled() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spill
}
