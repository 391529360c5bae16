package otlp

import "google.golang.org/protobuf/encoding/protowire"

// framing bounds the tag and the length before a message below 1 GiB.
const framing = 6

// whole says whether the request is a part as it is.
func (c *cutter) whole(body []byte) bool {
	return len(c.order) == 1 && c.cuts.Left == 0 && !c.strange && len(body) <= c.bounds.Message
}

// byTrace are the pieces of each trace, in the order in which they came.
func (c *cutter) byTrace() [][]piece {
	counts := make([]int, len(c.order))
	for _, p := range c.pieces {
		counts[p.trace]++
	}
	sorted, parts := make([]piece, len(c.pieces)), make([][]piece, len(c.order))
	at := 0
	for i, n := range counts {
		parts[i] = sorted[at : at : at+n]
		at += n
	}
	for _, p := range c.pieces {
		parts[p.trace] = append(parts[p.trace], p)
	}
	return parts
}

// around is how many bytes a piece brings with it behind another, nil for the
// first of a part.
func (c *cutter) around(before *piece, p piece) int {
	o := c.origins[p.origin]
	switch {
	case before == nil || c.origins[before.origin].group != o.group:
		return len(o.resource) + len(o.scope) + 2*framing
	case before.origin != p.origin:
		return len(o.scope) + framing
	}
	return 0
}

// size bounds the bytes of all parts.
func (c *cutter) size() int64 {
	total := int64(0)
	last := make([]*piece, len(c.order))
	for i := range c.pieces {
		p := &c.pieces[i]
		total += int64(c.around(last[p.trace], *p) + len(p.raw))
		last[p.trace] = p
	}
	return total
}

// build makes the parts.
func (c *cutter) build() {
	for at, pieces := range c.byTrace() {
		size, first := 0, 0
		for i, p := range pieces {
			if alone := c.around(nil, p) + len(p.raw); alone > c.bounds.Message {
				c.emit(at, pieces[first:i])
				first, size = i+1, 0
				c.refuse(ErrTooLarge, 1)
				continue
			}
			var before *piece
			if i > first {
				before = &pieces[i-1]
			}
			more := c.around(before, p) + len(p.raw)
			if size+more > c.bounds.Message {
				c.emit(at, pieces[first:i])
				first, size, more = i, 0, c.around(nil, p)+len(p.raw)
			}
			size += more
		}
		c.emit(at, pieces[first:])
	}
}

// emit makes a part of pieces of one trace.
func (c *cutter) emit(trace int, pieces []piece) {
	if len(pieces) == 0 {
		return
	}
	total := 0
	var before *piece
	for i := range pieces {
		total += c.around(before, pieces[i]) + len(pieces[i].raw)
		before = &pieces[i]
	}
	body := make([]byte, 0, total)
	for rest := pieces; len(rest) > 0; {
		group := c.run(rest, func(a, b piece) bool { return c.origins[a.origin].group == c.origins[b.origin].group })
		body = c.appendResource(body, rest[:group])
		rest = rest[group:]
	}
	c.cuts.Kept += len(pieces)
	c.cuts.Parts = append(c.cuts.Parts, Part{Trace: c.order[trace], Body: body, Records: len(pieces)})
}

// run is how many pieces from the first on are like it.
func (*cutter) run(pieces []piece, alike func(a, b piece) bool) int {
	n := 1
	for n < len(pieces) && alike(pieces[0], pieces[n]) {
		n++
	}
	return n
}

func sameOrigin(a, b piece) bool { return a.origin == b.origin }

// appendResource appends the message of a resource with pieces of it.
func (c *cutter) appendResource(to []byte, pieces []piece) []byte {
	size := len(c.origins[pieces[0].origin].resource)
	for rest := pieces; len(rest) > 0; {
		n := c.run(rest, sameOrigin)
		size += 1 + protowire.SizeBytes(c.scopeSize(rest[:n]))
		rest = rest[n:]
	}
	to = protowire.AppendTag(to, 1, protowire.BytesType)
	to = protowire.AppendVarint(to, uint64(size)) //nolint:gosec // a length
	to = append(to, c.origins[pieces[0].origin].resource...)
	for rest := pieces; len(rest) > 0; {
		n := c.run(rest, sameOrigin)
		to = protowire.AppendTag(to, 2, protowire.BytesType)
		to = protowire.AppendVarint(to, uint64(c.scopeSize(rest[:n]))) //nolint:gosec // a length
		to = append(to, c.origins[rest[0].origin].scope...)
		for _, p := range rest[:n] {
			to = append(to, p.raw...)
		}
		rest = rest[n:]
	}
	return to
}

// scopeSize is the length of the message of a scope with pieces of it.
func (c *cutter) scopeSize(pieces []piece) int {
	size := len(c.origins[pieces[0].origin].scope)
	for _, p := range pieces {
		size += len(p.raw)
	}
	return size
}
