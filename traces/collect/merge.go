package collect

import (
	"container/heap"
	"errors"
	"io"
	"slices"
)

// cursor goes over groups of entries in the order of their keys.
type cursor interface {
	// next goes to the next group, io.EOF says that there is none.
	next() error
	group() head
	// entry reads the next entry of the group, into memory if that is enough and
	// the cursor has to copy it.
	entry(memory []byte) (entry, error)
}

func (r *runReader) group() head { return r.head }

// held is a cursor over a buffer.
type held struct {
	buffer *buffer
	keys   []string
	head
	all []entry
}

func (h *held) next() error {
	if len(h.keys) == 0 {
		return io.EOF
	}
	key := h.keys[0]
	h.all = *h.buffer.groups[key]
	delete(h.buffer.groups, key)
	h.keys = h.keys[1:]
	h.head = head{key: key, entries: len(h.all)}
	for i := range h.all {
		h.bytes += int64(len(h.all[i].body))
	}
	return nil
}

func (h *held) group() head { return h.head }

func (h *held) entry([]byte) (entry, error) {
	e := h.all[0]
	h.all = h.all[1:]
	return e, nil
}

// merge goes over runs and buffers together: each key once.
type merge struct {
	start []cursor // not begun yet
	heap  cursors
	open  *group
}

func newMerge(runs []run, buffers []*buffer) *merge {
	m := &merge{}
	for _, r := range runs {
		m.start = append(m.start, r.open())
	}
	for _, b := range buffers {
		m.start = append(m.start, &held{buffer: b, keys: b.sorted()})
	}
	return m
}

// group is all entries of one key.
type group struct {
	head
	parts []cursor
}

// next is the next group, or nil. The entries of the one before must have been
// read.
func (m *merge) next() (*group, error) {
	ready := m.start
	if m.open != nil {
		ready = m.open.parts
	}
	m.start = nil
	for _, c := range ready {
		if err := c.next(); err == nil {
			heap.Push(&m.heap, c)
		} else if !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	m.open = nil
	if len(m.heap) == 0 {
		return nil, nil //nolint:nilnil // the doc comment says so
	}
	g := &group{head: head{key: m.heap[0].group().key}}
	for len(m.heap) > 0 && m.heap[0].group().key == g.key {
		c := heap.Pop(&m.heap).(cursor)
		g.parts = append(g.parts, c)
		g.entries += c.group().entries
		g.bytes += c.group().bytes
	}
	m.open = g
	return g, nil
}

// load is all entries, in order, in memory of their own.
func (g *group) load() ([]entry, error) {
	all := make([]entry, 0, g.entries)
	var memory []byte
	for _, c := range g.parts {
		if _, copies := c.(*runReader); copies && memory == nil {
			memory = make([]byte, g.bytes)
		}
		for range c.group().entries {
			e, err := c.entry(memory[:0])
			if err != nil {
				return nil, err
			}
			if len(memory) >= len(e.body) && len(e.body) > 0 && &e.body[0] == &memory[0] {
				e.body = slices.Clip(e.body)
				memory = memory[len(e.body):]
			}
			all = append(all, e)
		}
	}
	sortEntries(all)
	return all, nil
}

// each visits the entries in order, and holds one of each part. The body is
// valid during the visit.
func (g *group) each(visit func(*entry) error) error {
	var h entries
	read := func(p *part) error {
		var err error
		if p.left == 0 {
			return nil
		}
		p.left--
		if p.entry, err = p.entry0(); err == nil {
			heap.Push(&h, p)
		}
		return err
	}
	for _, c := range g.parts {
		if err := read(&part{cursor: c, left: c.group().entries}); err != nil {
			return err
		}
	}
	for len(h) > 0 {
		p := heap.Pop(&h).(*part)
		if err := visit(&p.entry); err != nil {
			return err
		}
		if err := read(p); err != nil {
			return err
		}
	}
	return nil
}

// part is a cursor within a group that is read entry by entry.
type part struct {
	cursor cursor
	left   int
	entry  entry
	memory []byte
}

func (p *part) entry0() (entry, error) {
	e, err := p.cursor.entry(p.memory)
	if _, copies := p.cursor.(*runReader); copies {
		p.memory = e.body
	}
	return e, err
}

// cursors are a heap by key.
type cursors []cursor

// Len implements heap.Interface.
func (c cursors) Len() int { return len(c) }

// Less implements heap.Interface.
func (c cursors) Less(i, j int) bool { return c[i].group().key < c[j].group().key }

// Swap implements heap.Interface.
func (c cursors) Swap(i, j int) { c[i], c[j] = c[j], c[i] }

// Push implements heap.Interface.
func (c *cursors) Push(x any) { *c = append(*c, x.(cursor)) }

// Pop implements heap.Interface.
func (c *cursors) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// entries are a heap by the order of entries.
type entries []*part

// Len implements heap.Interface.
func (e entries) Len() int { return len(e) }

// Less implements heap.Interface.
func (e entries) Less(i, j int) bool { return e[i].entry.before(&e[j].entry) < 0 }

// Swap implements heap.Interface.
func (e entries) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *entries) Push(x any) { *e = append(*e, x.(*part)) }

// Pop implements heap.Interface.
func (e *entries) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}
