package telemetry

// ring is a queue of items that grows when it is full. Pointers and segments
// stay readable until their items are dropped, also when it has grown meanwhile.
type ring struct {
	slots []item // a power of two of them, or none
	head  int    // where the oldest is
	n     int
}

// segments are the items of a stretch of a ring in their order: those up to the
// end of the slots, and the rest.
type segments [2][]item

const firstSlots = 64

func (r *ring) at(i int) *item { return &r.slots[(r.head+i)&(len(r.slots)-1)] }

func (r *ring) push(it *item) {
	if r.n == len(r.slots) {
		grown := make([]item, max(firstSlots, 2*len(r.slots)))
		oldest := r.first(r.n)
		copy(grown[copy(grown, oldest[0]):], oldest[1])
		r.slots, r.head = grown, 0
	}
	r.n++
	*r.at(r.n - 1) = *it
}

// first returns the n oldest.
func (r *ring) first(n int) segments {
	if n <= len(r.slots)-r.head {
		return segments{r.slots[r.head : r.head+n]}
	}
	return segments{r.slots[r.head:], r.slots[:n-(len(r.slots)-r.head)]}
}

// drop forgets the n oldest, whose memory becomes garbage.
func (r *ring) drop(n int) {
	for i := range n {
		it := r.at(i)
		it.key, it.frame, it.slab, it.trace, it.delivery = "", nil, nil, nil, nil
	}
	if n > 0 {
		r.head = (r.head + n) & (len(r.slots) - 1)
	}
	r.n -= n
}
