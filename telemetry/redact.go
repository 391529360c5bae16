package telemetry

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Redacted stands where a secret was.
const Redacted = "[redacted]"

// DefaultSecrets are the words by which a secret is known unless told
// otherwise: an attribute whose key has one of them, as a word or as several in
// a row ("api_key" is in "openai.apiKey" and in "API-Key").
func DefaultSecrets() []string {
	return []string{
		"authorization", "auth", "password", "passwords", "passwd", "passphrase", "secret", "secrets",
		"token", "api_key", "apikey", "access_key", "private_key", "credential", "credentials",
		"cookie", "cookies", "bearer", "session_id",
	}
}

// redactor takes secrets out of what leaves for the dead letters.
type redactor struct {
	words   [][]string
	inTexts *regexp.Regexp // key, sign and value; nil without words
}

func newRedactor(patterns []string) (*redactor, error) {
	r := &redactor{}
	var keys []string
	for _, p := range patterns {
		w := words(p)
		if len(w) == 0 {
			return nil, fmt.Errorf("%w: Secrets has %q, which is no word", ErrInvalidConfig, p)
		}
		r.words = append(r.words, w)
		keys = append(keys, strings.Join(w, `[-_. ]?`))
	}
	if len(keys) > 0 {
		var err error
		r.inTexts, err = regexp.Compile(`(?i)\b((?:[\w-]*[-_.])?(?:` + strings.Join(keys, "|") + `)["']?\s*[:=]\s*["']?(?:(?:bearer|basic)\s+)?)[^\s"',;&]+`)
		if err != nil {
			return nil, fmt.Errorf("%w: Secrets: %w", ErrInvalidConfig, err)
		}
	}
	return r, nil
}

// words splits a key where its writer would: at signs, and where capitals begin.
func words(key string) []string {
	var all []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			all = append(all, strings.ToLower(string(word)))
			word = nil
		}
	}
	lower := false
	for _, c := range key {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			end()
		case unicode.IsUpper(c) && lower:
			end()
			word = append(word, c)
		default:
			word = append(word, c)
		}
		lower = unicode.IsLower(c) || unicode.IsDigit(c)
	}
	end()
	return all
}

// secret reports whether a key names a secret.
func (r *redactor) secret(key string) bool {
	has := words(key)
	for _, w := range r.words {
		for i := 0; i+len(w) <= len(has); i++ {
			if slices.Equal(has[i:i+len(w)], w) {
				return true
			}
		}
	}
	return false
}

// text takes "key=secret" and "key: secret" out of a text.
func (r *redactor) text(s string) (string, bool) {
	if r.inTexts == nil || !r.inTexts.MatchString(s) {
		return s, false
	}
	return r.inTexts.ReplaceAllString(s, "${1}"+Redacted), true
}

// event takes secrets out of attributes and of errors' messages, and counts
// them. What it changes it copies.
func (r *redactor) event(e *Event) (n int) {
	for i, a := range e.Attributes {
		if a.Value == Redacted || !r.secret(a.Key) {
			continue
		}
		if n == 0 {
			e.Attributes = slices.Clone(e.Attributes)
		}
		e.Attributes[i].Value = Redacted
		n++
	}
	failure, ok := e.Body.(Error)
	if !ok {
		return n
	}
	texts := []*string{&failure.Message}
	failure.Causes = slices.Clone(failure.Causes)
	for i := range failure.Causes {
		texts = append(texts, &failure.Causes[i].Message)
	}
	for _, text := range texts {
		if clean, changed := r.text(*text); changed {
			*text = clean
			n++
		}
	}
	e.Body = failure
	return n
}

// baggage takes the values of secret members out of a W3C baggage header.
func (r *redactor) baggage(s string) (string, int) {
	members, n := strings.Split(s, ","), 0
	for i, m := range members {
		if key, _, ok := strings.Cut(m, "="); ok && r.secret(key) {
			members[i] = key + "=redacted"
			n++
		}
	}
	return strings.Join(members, ","), n
}

// Alike reports whether two events are the same but for what was redacted in
// one of them on its way through the dead letters.
func Alike(a, b Event) bool {
	if len(a.Attributes) != len(b.Attributes) {
		return false
	}
	for i := range a.Attributes {
		if a.Attributes[i].Key != b.Attributes[i].Key || !alike(a.Attributes[i].Value, b.Attributes[i].Value) {
			return false
		}
	}
	a.Attributes, b.Attributes = nil, nil
	x, xOK := a.Body.(Error)
	y, yOK := b.Body.(Error)
	if xOK && yOK && len(x.Causes) == len(y.Causes) && alike(x.Message, y.Message) {
		for i := range x.Causes {
			if !alike(x.Causes[i].Message, y.Causes[i].Message) {
				return false
			}
		}
		x.Message, y.Message = "", ""
		x.Causes, y.Causes = classes(x.Causes), classes(y.Causes)
		a.Body, b.Body = x, y
	}
	return reflect.DeepEqual(a, b)
}

// alike reports whether two texts are the same, or one has a secret taken out.
func alike(a, b string) bool {
	return a == b || strings.Contains(a, Redacted) || strings.Contains(b, Redacted)
}

func classes(causes []Cause) []Cause {
	var bare []Cause
	for _, c := range causes {
		bare = append(bare, Cause{Class: c.Class})
	}
	return bare
}
