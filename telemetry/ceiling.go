package telemetry

// ceiling is how many bytes a broker takes for a partition at once, as far as
// its answers tell. The zero value knows of no bound.
type ceiling struct {
	fits     int // the largest batch that was taken
	tooLarge int // the smallest of several events that was refused; 0 is none
	taken    int // batches since then
}

// believed is how many batches a bound is believed for: a broker may be told
// another, and what it refused may have been one large event among small ones.
const believed = 64

// most is how large the next batch may be: in the middle of what is known to
// fit and what is not, until they are close.
func (c *ceiling) most(limit int) int {
	switch {
	case c.tooLarge == 0:
		return limit
	case c.tooLarge-c.fits <= c.tooLarge/8:
		return min(limit, c.fits)
	default:
		return min(limit, (c.fits+c.tooLarge)/2)
	}
}

// take notes that a batch was taken.
func (c *ceiling) take(size int) {
	c.taken++
	if c.tooLarge > 0 && (size >= c.tooLarge || c.taken >= believed) {
		*c = ceiling{}
	}
	c.fits = max(c.fits, size)
}

// refuse notes that a batch was too large.
func (c *ceiling) refuse(size int) {
	if c.tooLarge == 0 {
		c.taken = 0
	}
	if c.tooLarge == 0 || size < c.tooLarge {
		c.tooLarge = size
	}
	if c.fits >= size {
		c.fits = 0
	}
}
