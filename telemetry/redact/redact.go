// Package redact takes secrets out of texts and attributes before they are
// recorded. What it knows as a secret is the value under a key of a known name,
// a password in a URL, and what is shaped like a token; what else is one, only
// its user can say.
package redact

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Mark stands where a secret was.
const Mark = "[redacted]"

// DefaultKeys returns the names under which secrets are expected.
func DefaultKeys() []string {
	return []string{
		"password", "passwd", "passphrase", "pwd", "secret", "token", "api key", "apikey", "access key",
		"private key", "authorization", "cookie", "set cookie", "credential", "credentials",
	}
}

// Redactor knows what is a secret. The zero value knows the default keys. It is
// safe for concurrent use while nobody changes it.
type Redactor struct {
	// Keys are the names whose values are secrets; nil stands for DefaultKeys,
	// an empty list for none. A key is compared by its words, whatever their
	// case and what separates them, and as a part of a longer name: "api key"
	// is in X-API-Key, apiKey and openai_api_key, but "token" is not in
	// prompt_tokens.
	Keys []string
	// Patterns are texts that are secrets wherever they stand, beside those
	// known by their shape: PEM keys, JSON Web Tokens, keys that begin with
	// sk-, ghp_, xoxb-, AKIA and the like.
	Patterns []*regexp.Regexp
}

var (
	// naming is a name and what separates it from its value: name=, name: and
	// "name":, also inside a quoted text.
	naming = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_.\-]*)\\?["']?\s*[:=]\s*`)
	// scheme is what may stand before a token without being its secret part.
	scheme = regexp.MustCompile(`^(?i:bearer|basic|token|digest)\s+`)
	// userinfo is what stands between scheme and host of a URL.
	userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.\-]{0,30}://)([^/\s@"'?#:]{0,200}):[^/\s@"'?#]{0,1000}@`)
	// bearer is a token behind its scheme, without a name before it.
	bearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/\-]{8,}=*`)
	// shaped are tokens known by how they look.
	shaped = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)` +
		`|\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*` +
		`|\b(?:sk|pk|rk)[-_][A-Za-z0-9_\-]{16,}` +
		`|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bxox[abprs]-[A-Za-z0-9\-]{10,}` +
		`|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_\-]{30,}|\bhf_[A-Za-z0-9]{20,}`)
)

// Text returns a text without the secrets in it. A text without any is returned
// as it is.
func (r Redactor) Text(text string) string {
	if mayBeShaped(text) {
		text = shaped.ReplaceAllString(text, Mark)
	}
	for _, p := range r.Patterns {
		text = p.ReplaceAllLiteralString(text, Mark)
	}
	if strings.Contains(text, "://") {
		text = userinfo.ReplaceAllString(text, "${1}${2}:"+Mark+"@")
	}
	if strings.ContainsAny(text, ":=") {
		text = replacePairs(text, r.keys())
	}
	if strings.ContainsAny(text, " \t\n\f\r") {
		text = bearer.ReplaceAllString(text, "${1} "+Mark)
	}
	return text
}

// mayBeShaped says whether the text has something that each token known by its
// look has: an expression takes a hundred times as long to find none.
func mayBeShaped(text string) bool {
	return strings.ContainsAny(text, "-_") || strings.Contains(text, "eyJ") || strings.Contains(text, "AIza") ||
		strings.Contains(text, "AKIA") || strings.Contains(text, "ASIA")
}

// replacePairs replaces the values of those names that are keys. Its time is
// linear in the text.
func replacePairs(text string, keys [][]string) string {
	var out strings.Builder
	copied := 0
	for _, m := range naming.FindAllStringSubmatchIndex(text, -1) {
		value := m[1]
		if m[0] < copied || value == len(text) || !isKey(text[m[2]:m[3]], keys) {
			continue
		}
		size, quote := secretSize(text[value:])
		if size == 0 {
			continue
		}
		out.WriteString(text[copied:value])
		out.WriteString(quote + Mark + quote)
		copied = value + size
	}
	if copied == 0 {
		return text
	}
	out.WriteString(text[copied:])
	return out.String()
}

// secretSize returns the length of the value that a text begins with, quotes
// included, and the quote. A quote that is never closed holds all the rest.
func secretSize(text string) (size int, quote string) {
	for _, quote := range []string{`\"`, `"`, `'`} {
		if !strings.HasPrefix(text, quote) {
			continue
		}
		for i := len(quote); i < len(text); i++ {
			if strings.HasPrefix(text[i:], quote) {
				return i + len(quote), quote
			}
			if quote == `"` && text[i] == '\\' {
				i++
			}
		}
		return len(text), quote
	}
	if strings.HasPrefix(text, Mark) {
		return len(Mark), ""
	}
	size = len(scheme.FindString(text))
	value := text
	if end := strings.IndexAny(text[size:], " \t\r\n\"',;&)}]"); end >= 0 {
		value = text[:size+end]
	}
	return len(strings.TrimRight(value, ":.")), "" // They end a sentence.
}

// Value returns the value of an attribute without secrets: the mark, if the key
// names one.
func (r Redactor) Value(key, value string) string {
	if value != "" && isKey(key, r.keys()) {
		return Mark
	}
	return r.Text(value)
}

// Attributes returns attributes without secrets. The list that was given stays
// as it is.
func Attributes[A ~struct{ Key, Value string }](r Redactor, attributes []A) []A {
	type plain = struct{ Key, Value string }
	var changed []A
	for i, a := range attributes {
		p := plain(a)
		value := r.Value(p.Key, p.Value)
		if value == p.Value {
			continue
		}
		if changed == nil {
			changed = slices.Clone(attributes)
		}
		changed[i] = A(plain{p.Key, value})
	}
	if changed == nil {
		return attributes
	}
	return changed
}

// keys returns the words of each key.
func (r Redactor) keys() [][]string {
	names := r.Keys
	if names == nil {
		names = DefaultKeys()
	}
	keys := make([][]string, 0, len(names))
	for _, name := range names {
		if w := words(name); len(w) > 0 {
			keys = append(keys, w)
		}
	}
	return keys
}

// isKey says whether the words of a key stand in a name, side by side.
func isKey(name string, keys [][]string) bool {
	have := words(name)
	for _, key := range keys {
		for i := 0; i+len(key) <= len(have); i++ {
			if slices.Equal(have[i:i+len(key)], key) {
				return true
			}
		}
	}
	return false
}

// words splits a name where its letters end or a capital begins a word, into
// lower case: openaiAPIKey and openai-api-key are openai, api, key.
func words(name string) []string {
	var found []string
	runes := []rune(name)
	start := -1
	flush := func(end int) {
		if start >= 0 {
			found = append(found, strings.ToLower(string(runes[start:end])))
		}
		start = -1
	}
	for i, c := range runes {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			flush(i)
			continue
		case unicode.IsUpper(c) && i > 0 && start >= 0 &&
			(unicode.IsLower(runes[i-1]) || (i+1 < len(runes) && unicode.IsLower(runes[i+1]))):
			flush(i)
		}
		if start < 0 {
			start = i
		}
	}
	flush(len(runes))
	return found
}
