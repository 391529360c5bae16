// Package collect makes threads of a range of messages of any size: it reads the
// range once, all partitions side by side, keeps what it read by thread on disk
// where memory does not hold it, and hands over the threads one by one, each
// whole, without duplicates, with a state and its reason.
//
// A [Collection] is read into by [Collection.Read], from any [threads.Source];
// a [Topic] is one that reads the partitions of a log side by side. Then
// [Collection.Threads] hands over the threads, in the order of their ids, and
// [Collection.Report] says what was read, and what was not and why: after a
// deadline, of a partition without a leader, of records that the log has lost.
//
// Memory is bounded by [Options], whatever the range holds: by messages that
// are held before they go to disk, and by the largest thread that is held whole.
package collect

import (
	"fmt"
	"os"
	"runtime"

	"github.com/cohort-rl/cohort/traces/threads"
)

// Options say how to collect.
type Options struct {
	Rules threads.Rules
	// Memory is how many bytes of messages are held before they go to disk.
	// The process needs about twice that and 100 MiB.
	Memory int64
	// Dir is the folder for what goes to disk, the system's for temporary files
	// if it is empty. Nothing is left there, however the process ends.
	Dir string
	// Thread is how many bytes of messages a thread may have to be held whole.
	// Of a larger one, frames are judged and counted one by one and the first
	// Events events kept; spans of OTLP are not judged, which makes it corrupt by
	// the name of "too large".
	Thread int64
	Events int
	// Messages asks for the messages of each thread too.
	Messages bool
	// AtOnce is how many partitions are read and threads made at a time.
	AtOnce int
}

// DefaultOptions hold 128 MiB of messages, and threads of 24 MiB whole.
func DefaultOptions(rules threads.Rules) Options {
	return Options{
		Rules: rules, Memory: 128 << 20, Thread: 24 << 20, Events: 10_000,
		AtOnce: 4 * runtime.GOMAXPROCS(0),
	}
}

// validate names the first option that is out of its bounds.
func (o Options) validate() error {
	switch {
	case o.Memory < 1<<20:
		return fmt.Errorf("collect with %d bytes of memory: at least 1 MiB is needed", o.Memory)
	case o.Thread < 1<<10:
		return fmt.Errorf("collect with threads of %d bytes: at least 1 KiB is needed", o.Thread)
	case o.Events < 0:
		return fmt.Errorf("collect with %d events of a large thread", o.Events)
	case o.AtOnce < 1:
		return fmt.Errorf("collect %d partitions at once", o.AtOnce)
	}
	return nil
}

// spillFile makes a file that has no name any more, so that nothing is left of
// it when the process ends, in whichever way.
func spillFile(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "cohort-collect-*")
	if err != nil {
		return nil, fmt.Errorf("make a file for what memory does not hold: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close() // The error says more.
		return nil, fmt.Errorf("take the name of a file away: %w", err)
	}
	return f, nil
}
