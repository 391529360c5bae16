package redact_test

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/cohort-rl/cohort/telemetry/redact"
)

func TestTextLosesItsSecretsAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ given, want string }{
		"nothing":           {"dial tcp 10.0.0.1:9092: connection refused", "dial tcp 10.0.0.1:9092: connection refused"},
		"counts of tokens":  {"prompt_tokens=12 max-tokens: 30", "prompt_tokens=12 max-tokens: 30"},
		"empty":             {"", ""},
		"setting":           {"login with password=hunter2 failed", "login with password=[redacted] failed"},
		"colon":             {"Password: hunter2, user: ann", "Password: [redacted], user: ann"},
		"query":             {"GET /x?api_key=abc&page=2", "GET /x?api_key=[redacted]&page=2"},
		"JSON":              {`{"user":"ann","accessToken":"a b\"c","n":1}`, `{"user":"ann","accessToken":"[redacted]","n":1}`},
		"JSON in JSON":      {`{"body":"{\"secret\":\"abc\",\"n\":1}"}`, `{"body":"{\"secret\":\"[redacted]\",\"n\":1}"}`},
		"number":            {`{"pwd": 1234}`, `{"pwd": [redacted]}`},
		"header":            {"Authorization: Bearer abcdefgh12345678", "Authorization: [redacted]"},
		"X-API-Key":         {"X-API-Key: 123 was refused", "X-API-Key: [redacted] was refused"},
		"bare bearer":       {"sent Bearer abcdefgh12345678 to it", "sent Bearer [redacted] to it"},
		"the word bearer":   {"bearer of news", "bearer of news"},
		"URL":               {"GET https://ann:hunter2@host:80/x?y=1", "GET https://ann:[redacted]@host:80/x?y=1"},
		"URL without":       {"GET https://ann@host:80/x and http://host:80/a:b@c", "GET https://ann@host:80/x and http://host:80/a:b@c"},
		"web token":         {"got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def now", "got [redacted] now"},
		"key of a provider": {"refused sk-abcdefghijklmnop1234", "refused [redacted]"},
		"private key":       {"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nend", "[redacted]\nend"},
		"cut private key":   {"-----BEGIN PRIVATE KEY-----\nMII", "[redacted]"},
		"value names a key": {"error: token=abc", "error: token=[redacted]"},
		"several":           {"token=a secret=b; cookie: c", "token=[redacted] secret=[redacted]; cookie: [redacted]"},
		"own pattern":       {"card 1234-5678", "card [redacted]"},
	} {
		r := redact.Redactor{Patterns: []*regexp.Regexp{regexp.MustCompile(`\d{4}-\d{4}`)}}
		if got := r.Text(test.given); got != test.want {
			t.Errorf("%s: %q became %q, want %q", name, test.given, got, test.want)
		}
		if got := r.Text(test.want); got != test.want {
			t.Errorf("%s: %q became %q the second time", name, test.want, got)
		}
	}
}

type attribute struct{ Key, Value string }

func TestAttributesAreKnownByTheirKeys(t *testing.T) {
	t.Parallel()
	given := []attribute{
		{"user", "ann"},
		{"db.Password", "hunter2"},
		{"openaiAPIKey", "abc"},
		{"tokenizer", "bpe"},
		{"TOKEN", ""},
		{"url", "redis://:hunter2@host"},
	}
	kept := append([]attribute(nil), given...)
	want := append([]attribute(nil), given...)
	want[1].Value, want[2].Value, want[5].Value = redact.Mark, redact.Mark, "redis://:[redacted]@host"
	if got := redact.Attributes(redact.Redactor{}, given); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !reflect.DeepEqual(given, kept) {
		t.Errorf("the caller's list was changed to %v", given)
	}
	own := redact.Attributes(redact.Redactor{Keys: []string{"user"}}, given[:2])
	if !reflect.DeepEqual(own, []attribute{{"user", redact.Mark}, given[1]}) {
		t.Errorf("with keys of one's own: %v", own)
	}
	if none := redact.Attributes(redact.Redactor{Keys: []string{}}, given[:5]); !reflect.DeepEqual(none, given[:5]) {
		t.Errorf("without keys: %v", none)
	}
}

func FuzzTextKeepsNoPassword(f *testing.F) {
	f.Add("login ", " failed")
	f.Add(`{"a":"`, `"}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "hunter2hunter2"
		got := redact.Redactor{}.Text(before + " password=" + secret + " " + after)
		if strings.Contains(strings.ReplaceAll(before+after, secret, ""), "password") || strings.Contains(before+after, secret) {
			return
		}
		if strings.Contains(got, secret) {
			t.Errorf("%q holds it", got)
		}
	})
}

func ExampleRedactor_Text() {
	r := redact.Redactor{}
	fmt.Println(r.Text("POST https://ann:hunter2@host/v1: 401 with X-Api-Key: abc"))
	// Output: POST https://ann:[redacted]@host/v1: 401 with X-Api-Key: [redacted]
}
