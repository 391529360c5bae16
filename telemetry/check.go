package telemetry

import (
	"fmt"
	"math"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cohort-rl/cohort/telemetry/state"
)

// checkReward refuses a reward that is not finite.
func checkReward(body Body) error {
	if r, ok := body.(Reward); ok && (math.IsNaN(r.Value) || math.IsInf(r.Value, 0)) {
		return fmt.Errorf("%w: reward is %v", ErrInvalidEvent, r.Value)
	}
	return nil
}

// check reports the first field of an event that is out of its bounds. Encode
// and Decode both end here, so what Encode accepts Decode accepts.
func (l *Limits) check(e *Event) error {
	if e.Body == nil {
		return fmt.Errorf("%w: none", ErrUnknownBody)
	}
	switch {
	case e.Body.threaded() && e.Thread == "":
		return fmt.Errorf("%w: thread is empty", ErrInvalidEvent)
	case !e.Body.threaded() && e.Thread != "":
		return fmt.Errorf("%w: %T belongs to no thread, but names %q", ErrInvalidEvent, e.Body, e.Thread)
	case uint64(e.Time.Unix()) > math.MaxInt64/uint64(time.Second) || e.Time.UnixNano() < 0: //nolint:gosec // before 1970 it is huge
		return fmt.Errorf("%w: time is outside 1970 to 2262", ErrInvalidEvent)
	}
	if err := l.names(name{"thread", e.Thread}, name{"name", e.Name}); err != nil {
		return err
	}
	if err := l.checkAttributes(e.Attributes); err != nil {
		return err
	}
	return l.checkBody(e.Body)
}

func (l *Limits) checkAttributes(attributes []Attribute) error {
	if len(attributes) > l.Attributes {
		return fmt.Errorf("%w: %d attributes, allowed are %d", ErrInvalidEvent, len(attributes), l.Attributes)
	}
	total := 0
	for i, a := range attributes {
		total += len(a.Key) + len(a.Value)
		if a.Key == "" {
			return fmt.Errorf("%w: attribute %d has no key", ErrInvalidEvent, i)
		}
		if err := l.names(name{"attribute key", a.Key}); err != nil {
			return err
		}
		if !utf8.ValidString(a.Value) {
			return fmt.Errorf("%w: attribute %q is not UTF-8", ErrInvalidEvent, a.Key)
		}
		for _, b := range attributes[:i] {
			if a.Key == b.Key {
				return fmt.Errorf("%w: attribute %q is given twice", ErrInvalidEvent, a.Key)
			}
		}
	}
	return fits("attributes", total, l.AttributeBytes)
}

func (l *Limits) checkBody(body Body) error {
	switch b := body.(type) {
	case Start:
		return l.names(name{"task", b.Task})
	case Decision:
		return l.checkDecision(b)
	case ModelCall:
		if len(b.LogProbs) != len(b.Response) {
			return fmt.Errorf("%w: %d log-probabilities for %d response tokens", ErrInvalidEvent, len(b.LogProbs), len(b.Response))
		}
		if err := finite32("log-probability", b.LogProbs); err != nil {
			return err
		}
		return l.names(name{"policy", b.Policy}, name{"model", b.Model})
	case ToolCall:
		if b.Duration < 0 {
			return fmt.Errorf("%w: duration is negative", ErrInvalidEvent)
		}
		return l.names(name{"tool", b.Tool})
	case Reward:
		// Encode refuses a reward that is not finite. Decode hands it over, so
		// that the rollout gets the fate of that name and not of a corrupt trace.
	case Error:
		return l.checkError(b)
	case End:
		if b.Events == 0 {
			return fmt.Errorf("%w: an end counts at least itself", ErrInvalidEvent)
		}
	case State:
		if err := state.Change(b).Check(l.State); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidEvent, err)
		}
	case Marker:
		if b.Nonce == "" {
			return fmt.Errorf("%w: marker has no nonce", ErrInvalidEvent)
		}
		return l.names(name{"nonce", b.Nonce}, name{"job", b.Job})
	case Tombstone:
		if b.Count == 0 || b.First+b.Count < b.First {
			return fmt.Errorf("%w: a tombstone of %d sequences from %d", ErrInvalidEvent, b.Count, b.First)
		}
		return l.names(name{"reason", b.Reason})
	}
	return nil
}

func (l *Limits) checkDecision(d Decision) error {
	width, n := uint64(d.Width), uint64(len(d.Features))
	switch {
	case width == 0:
		return fmt.Errorf("%w: decision has width 0", ErrInvalidEvent)
	case n == 0 || n%width != 0:
		return fmt.Errorf("%w: %d features are no rows of %d", ErrInvalidEvent, n, width)
	case uint64(d.Chosen) >= n/width:
		return fmt.Errorf("%w: chose candidate %d of %d", ErrInvalidEvent, d.Chosen, n/width)
	}
	if err := finite32("feature", d.Features); err != nil {
		return err
	}
	if err := finite32("log-probability", []float32{d.LogProb}); err != nil {
		return err
	}
	return l.names(name{"policy", d.Policy})
}

func (l *Limits) checkError(e Error) error {
	if e.Class == "" {
		return fmt.Errorf("%w: error has no class", ErrInvalidEvent)
	}
	if e.Duration < 0 {
		return fmt.Errorf("%w: duration is negative", ErrInvalidEvent)
	}
	if !utf8.ValidString(e.Message) {
		return fmt.Errorf("%w: error's message is not UTF-8", ErrInvalidEvent)
	}
	for i, c := range e.Causes {
		if !utf8.ValidString(c.Message) {
			return fmt.Errorf("%w: message of cause %d is not UTF-8", ErrInvalidEvent, i)
		}
		if err := l.names(name{"cause", c.Class}); err != nil {
			return err
		}
	}
	return l.names(name{"class", e.Class}, name{"node", e.Node})
}

// finite32 names the first value that is NaN or infinite.
func finite32(what string, values []float32) error {
	for i, v := range values {
		if v-v != 0 { // NaN for NaN and both infinities
			return fmt.Errorf("%w: %s %d is %v", ErrInvalidEvent, what, i, v)
		}
	}
	return nil
}

type name struct{ field, value string }

// names checks ids and names: short, UTF-8, nothing that would break a line.
func (l *Limits) names(names ...name) error {
	for _, n := range names {
		if len(n.value) <= l.NameBytes && printable(n.value) {
			continue
		}
		if len(n.value) > l.NameBytes {
			return fmt.Errorf("%w: %s has %d bytes, allowed are %d", ErrInvalidEvent, n.field, len(n.value), l.NameBytes)
		}
		if !utf8.ValidString(n.value) {
			return fmt.Errorf("%w: %s is not UTF-8", ErrInvalidEvent, n.field)
		}
		for _, r := range n.value {
			if unicode.IsControl(r) {
				return fmt.Errorf("%w: %s has a control character", ErrInvalidEvent, n.field)
			}
		}
	}
	return nil
}

// each8 has a one in each of eight bytes.
const each8 = 0x0101010101010101

// printable says that a text has printable ASCII alone.
func printable[T string | []byte](text T) bool {
	for ; len(text) >= 8; text = text[8:] { // eight at a time; a carry comes of what is found anyway
		v := uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
			uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
		if (v|(v-0x20*each8)|(v+each8))&(0x80*each8) != 0 {
			return false
		}
	}
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
