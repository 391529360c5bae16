package telemetry

// slab is the memory of a small frame and its key. It is used again once the
// event is acknowledged, for allocating takes an admission longest.
type slab [512]byte

// slab returns memory for a frame, or nil when frames are compressed: then the
// encoded event is not what is kept.
func (p *Producer) slab() *slab {
	if p.config.Compression != None {
		return nil
	}
	if s, ok := p.slabs.Get().(*slab); ok {
		return s
	}
	return new(slab)
}

// memory is nil for a nil slab.
func (s *slab) memory() []byte {
	if s == nil {
		return nil
	}
	return s[:]
}

// used returns the slabs of what was acknowledged. The request is in flight.
func used(r request, outcomes []outcome) []*slab {
	var slabs []*slab
	for i, b := range r.batches {
		if outcomes[i].err != nil {
			continue
		}
		for _, part := range b.items {
			for j := range part {
				if s := part[j].slab; s != nil {
					slabs = append(slabs, s)
				}
			}
		}
	}
	return slabs
}
