package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrInvalidRequest says that a Request is out of the contract's bounds. It is
// a mistake of who asks.
var ErrInvalidRequest = errors.New("rollout request is not valid")

// Check returns an error that wraps ErrInvalidRequest and names the field when
// the request is out of bounds.
func (r Request) Check() error {
	for _, rule := range []struct {
		holds bool
		what  string
	}{
		{r.Format == Format, fmt.Sprintf("format is %q, this side speaks %q", shorten(r.Format, MaxClass), Format)},
		{r.Thread != "" && len(r.Thread) <= MaxThread, fmt.Sprintf("thread must have 1 to %d bytes", MaxThread)},
		{r.Step >= 0 && r.Group >= 0 && r.Rollout >= 0, "step, group and rollout must not be negative"},
		{len(r.Task) > 0 && json.Valid(r.Task), "task must be JSON"},
		{r.Seed <= MaxSeed, fmt.Sprintf("seed must be at most %d", uint64(MaxSeed))},
		{r.DeadlineMS > 0 && r.DeadlineMS <= MaxDeadlineMS, fmt.Sprintf("deadline_ms must be 1 to %d", MaxDeadlineMS)},
		{r.Policy.URL != "" && r.Policy.Digest != "", "policy.url and policy.digest must be given"},
		{len(r.Traces.Brokers) > 0 && r.Traces.Topic != "", "traces.brokers and traces.topic must be given"},
		{r.Traces.Partitions > 0, "traces.partitions must be at least 1"},
	} {
		if !rule.holds {
			return fmt.Errorf("%w: %s", ErrInvalidRequest, rule.what)
		}
	}
	return nil
}

// check says what in an answer to r breaks the contract.
func (a Answer) check(r Request) error {
	seen := make(map[int]bool, len(a.Acknowledged))
	for _, p := range a.Acknowledged {
		switch {
		case p.Partition < 0 || p.Partition >= r.Traces.Partitions:
			return fmt.Errorf("acknowledged names partition %d of %d", p.Partition, r.Traces.Partitions)
		case p.Offset < 0:
			return fmt.Errorf("acknowledged names offset %d", p.Offset)
		case seen[p.Partition]:
			return fmt.Errorf("acknowledged names partition %d twice", p.Partition)
		}
		seen[p.Partition] = true
	}
	return nil
}

// clean returns the failure with bounded, printable text: it is shown to people
// and kept in ledgers.
func (f Failure) clean() Failure {
	if f.Class == "" {
		f.Class = "error"
	}
	return Failure{Class: shorten(f.Class, MaxClass), Message: shorten(f.Message, MaxMessage)}
}

// shorten returns at most limit bytes of text, as printable UTF-8.
func shorten(text string, limit int) string {
	if len(text) > limit {
		cut := limit - len("...")
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "..."
	}
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError {
			return '?'
		}
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
