package collect

import (
	"cmp"
	"maps"
	"slices"
)

// entry is a message, or the part of one that belongs to a thread.
type entry struct {
	// order is the index of a frame, and 0 of all else.
	order uint64
	// source is the number of the source in the collection.
	source    int32
	partition int32
	offset    int64
	body      []byte
}

// before orders the entries of a thread: so they are the same however they were
// spread.
func (e *entry) before(o *entry) int {
	return cmp.Or(cmp.Compare(e.order, o.order), cmp.Compare(e.source, o.source), cmp.Compare(e.partition, o.partition), cmp.Compare(e.offset, o.offset))
}

const (
	// slabBytes is the memory that small bodies share.
	slabBytes = 256 << 10
	// entryBytes is about what an entry takes beside its body.
	entryBytes = 64
)

// buffer holds entries by key until they are many.
type buffer struct {
	groups map[string]*[]entry
	key    string // that came last, and its group
	group  *[]entry
	slab   []byte
	bytes  int64 // about how much memory it takes
}

func newBuffer() *buffer { return &buffer{groups: map[string]*[]entry{}} }

// add takes an entry, and copies its body.
func (b *buffer) add(key string, e entry) {
	if b.group == nil || b.key != key {
		b.key, b.group = key, b.groups[key]
		if b.group == nil {
			b.group = new([]entry)
			b.groups[key] = b.group
			b.bytes += int64(len(key)) + 2*entryBytes
		}
	}
	n := len(e.body)
	if n > len(b.slab) {
		b.slab = make([]byte, max(n, slabBytes))
	}
	body := b.slab[:n:n]
	b.slab = b.slab[n:]
	copy(body, e.body)
	e.body = body
	*b.group = append(*b.group, e)
	b.bytes += int64(n) + entryBytes
}

// sorted are the keys, in order, and their groups are in order afterwards.
func (b *buffer) sorted() []string {
	keys := slices.Sorted(maps.Keys(b.groups))
	for _, key := range keys {
		sortEntries(*b.groups[key])
	}
	return keys
}

func sortEntries(all []entry) {
	order := func(x, y entry) int { return x.before(&y) }
	if !slices.IsSortedFunc(all, order) {
		slices.SortFunc(all, order)
	}
}
