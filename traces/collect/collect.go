package collect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/threads"
)

// A Collection is what was read, on its way into threads. Close lets go of what
// it holds on disk.
type Collection struct {
	options  Options
	codec    *telemetry.Codec
	pass     *sorter // what was read: frames by thread, spans by trace
	joined   *sorter // spans by thread
	readings *readings

	mu      sync.Mutex // guards what follows
	sources []string
	report  Report
}

// A Report says what was read. What the messages hold is counted while the
// threads are handed over.
type Report struct {
	Tally threads.Tally `json:"read"`
	// Unread is what was to be read and was not. If there is any, a thread that
	// is not whole is open, not orphaned: the rest may be there.
	Unread []Unread `json:"unread,omitempty"`
	// Threads counts what was handed over, by state and reason.
	Threads []threads.StateCount `json:"threads"`
	// Spilled is how many bytes were put on disk.
	Spilled int64 `json:"bytes_on_disk"`
}

// Whole says that all that was to be read was read.
func (r *Report) Whole() bool { return len(r.Unread) == 0 }

// The reasons why something was not read.
const (
	AfterDeadline = "the deadline has passed"
	Deleted       = "the log has deleted it"
	Cut           = "the log ends before it: the topic was cut, or made again"
	MadeAgain     = "the topic was made again while it was read"
	GoneTopic     = "the topic or its partition is gone"
	Silent        = "the log does not hand it over"
)

// New makes an empty collection.
func New(o Options) (*Collection, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		return nil, err
	}
	c := &Collection{options: o, codec: codec}
	memory := max(o.Memory/int64(o.AtOnce), 64<<10)
	c.pass, c.joined = newSorter(o.Dir, memory), newSorter(o.Dir, o.Memory/2)
	if c.readings, err = newReadings(c, o.AtOnce); err != nil {
		return nil, err
	}
	return c, nil
}

// readings are kept between the parts of sources, so that small parts share
// their memory.
type readings struct{ idle chan *reading }

func newReadings(c *Collection, n int) (*readings, error) {
	all := &readings{idle: make(chan *reading, n)}
	for range n {
		r, err := c.reading()
		if err != nil {
			return nil, err
		}
		all.idle <- r
	}
	return all, nil
}

func (r *readings) take() *reading    { return <-r.idle }
func (r *readings) give(one *reading) { r.idle <- one }

// finish books what all of them have.
func (r *readings) finish() {
	for range cap(r.idle) {
		select {
		case one := <-r.idle:
			one.done()
		default: // finished before
		}
	}
}

// number is that of a source's name.
func (c *Collection) number(name string) int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.Index(c.sources, name)
	if at < 0 {
		at = len(c.sources)
		c.sources = append(c.sources, name)
	}
	return int32(at) //nolint:gosec // sources are few
}

// Report is what is known up to now; all, once Threads has ended.
func (c *Collection) Report() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.report
	r.Spilled = c.pass.spilled() + c.joined.spilled()
	r.Unread = slices.Clone(r.Unread)
	slices.SortFunc(r.Unread, func(a, b Unread) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.From, b.From))
	})
	r.Tally.Aside = slices.Clone(r.Tally.Aside)
	slices.SortStableFunc(r.Tally.Aside, func(a, b threads.Aside) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	r.Threads = slices.Clone(r.Threads)
	return r
}

// errNothing says that messages were read and none made a thread.
var errNothing = errors.New("nothing in it can be read")

// Nothing is an error if messages were read, and all were set aside.
func (r *Report) Nothing() error {
	if len(r.Threads) > 0 || len(r.Tally.Aside) == 0 {
		return nil
	}
	first := r.Tally.Aside[0]
	return fmt.Errorf("%w: %v: %s", errNothing, first.Place, first.Reason)
}

// Close lets go of the disk.
func (c *Collection) Close() error { return errors.Join(c.pass.close(), c.joined.close()) }
