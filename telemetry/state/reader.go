package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
)

// What breaks the chain of a state.
var (
	// ErrHash says that the state has another hash than its writer said.
	ErrHash = errors.New("state has another hash than its writer said")
	// ErrBase says that the version that a patch applies to is not here: it is
	// missing or broken, or the thread has two writers.
	ErrBase = errors.New("the version before it is not here")
	// ErrMissing says that versions before a key frame never came.
	ErrMissing = errors.New("versions before it are missing")
	// ErrNames says that the thread has more states than allowed.
	ErrNames = errors.New("too many states in the thread")
)

// Break is a version that could not be rebuilt, or before which some are
// missing.
type Break struct {
	Thread, Name string
	// Index is that of the event in the thread, Version that of the state.
	Index, Version uint64
	// Want is the hash that the writer said, Got the one that was found, nil
	// without a state.
	Want, Got []byte
	// Err is ErrHash, ErrBase, ErrMissing, ErrNames, ErrInvalid or ErrTooLarge.
	Err error
}

func (b *Break) Error() string {
	text := fmt.Sprintf("state %q of thread %q breaks at event %d, version %d: %v", b.Name, b.Thread, b.Index, b.Version, b.Err)
	if b.Got != nil {
		text += fmt.Sprintf(": want %x, got %x", b.Want, b.Got)
	}
	return text
}

// Unwrap returns what broke the chain.
func (b *Break) Unwrap() error { return b.Err }

// Reader rebuilds the states of one thread from its events in the order of
// their index, duplicates removed. It is not safe for concurrent use.
type Reader struct {
	thread string
	limits Limits
	states map[string]*chain
	first  *Break
	breaks uint64
}

// chain is where a state is.
type chain struct {
	state   []byte // nil while broken
	version uint64 // the highest one seen
}

// NewReader returns a reader of a thread. The limits are the writer's.
func NewReader(thread string, limits Limits) *Reader {
	return &Reader{thread: thread, limits: limits, states: make(map[string]*chain)}
}

// First returns the first break of the thread, or nil.
func (r *Reader) First() *Break { return r.first }

// Breaks counts the versions that could not be rebuilt, and the key frames
// before which versions are missing.
func (r *Reader) Breaks() uint64 { return r.breaks }

// Read returns the state, in its canonical form, that an event leads to. Its
// hash is verified; it must not be changed. Without the state the error is a
// *Break. A key frame goes on after every break; when versions before it never
// came, it is returned together with a *Break that is ErrMissing.
func (r *Reader) Read(index uint64, name string, c Change) ([]byte, error) {
	b := &Break{Thread: r.thread, Name: name, Index: index, Version: c.Version, Want: c.SHA256}
	if b.Err = c.Check(r.limits); b.Err != nil {
		if s := r.states[name]; s != nil {
			s.state = nil
		}
		return nil, r.report(b)
	}
	s := r.states[name]
	if s == nil {
		if len(r.states) >= r.limits.Names {
			b.Err = ErrNames
			return nil, r.report(b)
		}
		s = &chain{}
		r.states[name] = s
	}
	before := s.version
	state, err := r.rebuild(s, c)
	s.version, s.state = max(s.version, c.Version), nil
	if err != nil {
		b.Err = err
		return nil, r.report(b)
	}
	if sum := sha256.Sum256(state); !bytes.Equal(sum[:], c.SHA256) {
		b.Err, b.Got = ErrHash, sum[:]
		return nil, r.report(b)
	}
	s.state = state
	if c.Kind == Full && c.Version != before+1 {
		b.Err = ErrMissing
		return state, r.report(b)
	}
	return state, nil
}

func (r *Reader) rebuild(s *chain, c Change) ([]byte, error) {
	if c.Version <= s.version {
		return nil, fmt.Errorf("%w: version %d came after %d", ErrInvalid, c.Version, s.version)
	}
	if c.Kind == Full {
		return Canonical(c.Document, r.limits)
	}
	if s.state == nil || s.version != c.Base {
		return nil, ErrBase
	}
	return apply(s.state, c.Document, r.limits)
}

// report counts a break and keeps the first.
func (r *Reader) report(b *Break) error {
	r.breaks++
	if r.first == nil {
		r.first = b
	}
	return b
}
