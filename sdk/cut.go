package sdk

import (
	"strings"
	"unicode"
)

// cut makes a text fit for a name: so many bytes of UTF-8 without control
// characters.
func cut(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s[:min(len(s), limit)])
	return strings.ToValidUTF8(s, "")
}
