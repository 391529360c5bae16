package main

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// printable is a text without what would move the cursor or change colors: white
// space is a space; other control characters, and those that turn the direction
// of writing, are shown as a replacement.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// abridge is a text on one line of at most so many letters.
func abridge(s string, letters int) string {
	s = strings.TrimSpace(printable(s))
	if utf8.RuneCountInString(s) <= letters {
		return s
	}
	n := 0
	for at := range s {
		if n == letters-1 {
			return strings.TrimRight(s[:at], " ") + "…"
		}
		n++
	}
	return s
}

// took is a duration with three digits or fewer.
func took(d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case d < time.Microsecond:
		return d.String()
	case d < 100*time.Microsecond:
		return d.Round(time.Microsecond).String()
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
