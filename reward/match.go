package reward

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types/ref"

	"github.com/cohort-rl/cohort/job/spec"
)

// match holds an answer against what is expected. A thread without an answer has
// no reward; a task that does not say what is expected fails.
type match struct {
	answer, expected program
	same             func(answer, expected ref.Val) (bool, string)
}

func newMatch(section, answer, expected string, same func(a, b ref.Val) (bool, string)) (Scorer, error) {
	a, err := compileText(answer)
	if err != nil {
		return nil, fmt.Errorf("%s.answer: %w", section, err)
	}
	e, err := compileText(expected)
	if err != nil {
		return nil, fmt.Errorf("%s.expected: %w", section, err)
	}
	return match{a, e, same}, nil
}

func compileText(text string) (program, error) {
	return compile(text, defaultCost, cel.StringType, cel.DoubleType, cel.IntType, cel.UintType, cel.BoolType)
}

func (m match) Score(ctx context.Context, items []Item) ([]Score, error) {
	return each(ctx, items, func(ctx context.Context, item Item) (Score, error) {
		answer, fault, err := m.answer.value(ctx, item)
		if err != nil || fault != "" || answer == nil {
			return Score{Fault: fault}, err
		}
		expected, fault, err := m.expected.value(ctx, item)
		switch {
		case err != nil:
			return Score{}, err
		case fault != "":
			return Score{Fault: "what is expected: " + fault}, nil
		case expected == nil:
			return Score{Fault: "nothing is expected"}, nil
		}
		same, fault := m.same(answer, expected)
		if fault != "" {
			return Score{Fault: fault}, nil
		}
		return Score{Given: true, Value: one(same)}, nil
	})
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func newExact(s *spec.Exact) (Scorer, error) {
	form := func(text string) string { return text }
	switch s.Form {
	case "trimmed":
		form = strings.TrimSpace
	case "folded":
		form = func(text string) string { return strings.ToLower(strings.TrimSpace(text)) }
	}
	return newMatch("exact", s.Answer, s.Expected, func(answer, expected ref.Val) (bool, string) {
		return form(textOf(answer)) == form(textOf(expected)), ""
	})
}

// textOf is a value as text. A whole double is written without a point, as JSON
// has no whole numbers of its own.
func textOf(v ref.Val) string {
	switch x := v.Value().(type) {
	case string:
		return x
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return fmt.Sprint(v.Value())
}

func newNumeric(s *spec.Numeric) (Scorer, error) {
	return newMatch("numeric", s.Answer, s.Expected, func(answer, expected ref.Val) (bool, string) {
		a, fault := parsed("the answer", answer)
		if fault != "" {
			return false, fault
		}
		e, fault := parsed("what is expected", expected)
		return math.Abs(a-e) <= s.Tolerance+float64(s.Relative*math.Abs(e)), fault
	})
}

// parsed is a finite number, or the text of one.
func parsed(name string, v ref.Val) (n float64, fault string) {
	n, ok := 0.0, false
	if text, is := v.Value().(string); is {
		var err error
		n, err = strconv.ParseFloat(strings.TrimSpace(text), 64)
		ok = err == nil
	} else if _, is := v.Value().(bool); !is {
		n, ok = numberOf(v)
	}
	if !ok || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, clipped(fmt.Sprintf("%s is %q, which is no finite number", name, textOf(v)))
	}
	return n, ""
}
