package docs_test

import (
	"fmt"
	"strings"
	"time"
)

// mark is what a comment above a block of commands says about it:
//
//	<!-- test: run -->
//	<!-- test: run within 5m -->            instead of the usual deadline
//	<!-- test: run ready listening on -->   after each command that ends in &,
//	                                        wait for this text in the output
//	<!-- test: run within 5m ready listening on -->
//	<!-- test: skip why it is not run -->
type mark struct {
	given  bool
	skip   string // why; empty for a block that runs
	within time.Duration
	ready  string
}

const usualDeadline = 2 * time.Minute

// parseMark reads a line; found says whether it is a mark at all.
func parseMark(line string) (m mark, found bool, err error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(line), "<!-- test:")
	if !ok {
		return mark{}, false, nil
	}
	text, ok = strings.CutSuffix(text, "-->")
	if !ok {
		return mark{}, true, fmt.Errorf("the mark does not end in -->")
	}
	verb, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	rest = strings.TrimSpace(rest)
	switch verb {
	case "skip":
		if rest == "" {
			return mark{}, true, fmt.Errorf("skip gives no reason")
		}
		return mark{given: true, skip: rest}, true, nil
	case "run":
		m, err = parseRun(rest)
		return m, true, err
	default:
		return mark{}, true, fmt.Errorf("mark %q is neither run nor skip", verb)
	}
}

func parseRun(rest string) (mark, error) {
	m := mark{given: true, within: usualDeadline}
	if after, ok := strings.CutPrefix(rest, "within "); ok {
		text, more, _ := strings.Cut(after, " ")
		within, err := time.ParseDuration(text)
		if err != nil {
			return mark{}, fmt.Errorf("read the deadline: %w", err)
		}
		m.within, rest = within, strings.TrimSpace(more)
	}
	if after, ok := strings.CutPrefix(rest, "ready "); ok {
		m.ready, rest = after, ""
	}
	if rest != "" {
		return mark{}, fmt.Errorf("run does not know %q", rest)
	}
	return m, nil
}
