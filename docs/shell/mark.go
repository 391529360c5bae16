package shell

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Mark is what a comment above a block of commands says about it:
//
//	<!-- test: run -->
//	<!-- test: run within 5m -->            instead of the usual deadline
//	<!-- test: run ready listening on -->   after each command that ends in &,
//	                                        wait for this text in the output
//	<!-- test: run within 5m ready listening on -->
//	<!-- test: services -->                 run where Redis, Kafka and MinIO may
//	                                        be installed; the same options
//	<!-- test: skip why it is not run -->
type Mark struct {
	Given    bool
	Skip     string // why; empty for a block that runs
	Services bool   // it runs in integration
	Within   time.Duration
	Ready    string
}

// UsualDeadline is how long a block may take unless its mark says otherwise.
const UsualDeadline = 2 * time.Minute

// parseMark reads a line; found says whether it is a mark at all.
func parseMark(line string) (m Mark, found bool, err error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(line), "<!-- test:")
	if !ok {
		return Mark{}, false, nil
	}
	text, ok = strings.CutSuffix(text, "-->")
	if !ok {
		return Mark{}, true, errors.New("the mark does not end in -->")
	}
	verb, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	rest = strings.TrimSpace(rest)
	switch verb {
	case "skip":
		if rest == "" {
			return Mark{}, true, errors.New("skip gives no reason")
		}
		return Mark{Given: true, Skip: rest}, true, nil
	case "run", "services":
		m, err = parseOptions(verb, rest)
		m.Services = verb == "services"
		return m, true, err
	default:
		return Mark{}, true, fmt.Errorf("mark %q is neither run nor services nor skip", verb)
	}
}

func parseOptions(verb, rest string) (Mark, error) {
	m := Mark{Given: true, Within: UsualDeadline}
	if after, ok := strings.CutPrefix(rest, "within "); ok {
		text, more, _ := strings.Cut(after, " ")
		within, err := time.ParseDuration(text)
		if err != nil {
			return Mark{}, fmt.Errorf("read the deadline: %w", err)
		}
		m.Within, rest = within, strings.TrimSpace(more)
	}
	if after, ok := strings.CutPrefix(rest, "ready "); ok {
		m.Ready, rest = after, ""
	}
	if rest != "" {
		return Mark{}, fmt.Errorf("%s does not know %q", verb, rest)
	}
	return m, nil
}
