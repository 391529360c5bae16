package spec

import (
	"strconv"
	"strings"
)

// bound is one end of the range of a field. Its unit is the field's: bytes,
// nanoseconds, characters of a text, or entries of a list.
type bound struct {
	written   string // as the tag has it; "" is no bound
	value     float64
	exclusive bool
}

// newBound reads a bound of a field of kind k from its two tags.
func newBound(k kind, inclusive, exclusive string) bound {
	b := bound{written: inclusive}
	if exclusive != "" {
		b = bound{written: exclusive, exclusive: true}
	}
	if b.written == "" {
		return b
	}
	var err error
	switch k {
	case duration:
		var d Duration
		d, err = parseDuration(b.written)
		b.value = float64(d)
	case size:
		var s Size
		s, err = parseSize(b.written)
		b.value = float64(s)
	case section, list, whole, number, text:
		b.value, err = strconv.ParseFloat(b.written, 64)
	}
	if err != nil {
		panic("spec: " + err.Error())
	}
	return b
}

// admits reports whether v lies within the bounds of f.
func (f *field) admits(v float64) bool {
	low := f.low.written == "" || v > f.low.value || v == f.low.value && !f.low.exclusive
	high := f.high.written == "" || v < f.high.value || v == f.high.value && !f.high.exclusive
	return low && high
}

// allowed says in words what f may be.
func (f *field) allowed() string {
	switch {
	case f.enum != nil:
		return listed(f.enum, "or")
	case f.form != "":
		return f.form
	}
	return f.extent()
}

// extent says the bounds of f in words.
func (f *field) extent() string {
	var s string
	low, high := f.low, f.high
	switch {
	case low.written != "" && high.written != "" && !low.exclusive && !high.exclusive:
		s = low.written + " to " + high.written
	case low.written != "" && high.written != "":
		s = low.words("at least", "above") + " and " + high.words("at most", "below")
	case low.written != "":
		s = low.words("at least", "above")
	case high.written != "":
		s = high.words("at most", "below")
	}
	switch {
	case f.kind == text && s != "":
		s += " characters"
	case f.kind == list && s != "":
		s += " entries"
	}
	return s
}

func (b bound) words(inclusive, exclusive string) string {
	if b.exclusive {
		return exclusive + " " + b.written
	}
	return inclusive + " " + b.written
}

// listed joins words for a sentence: "a, b or c".
func listed(words []string, last string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}
