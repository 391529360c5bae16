package serving_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/serving"
)

func TestTokenAdmitsItselfAlone(t *testing.T) {
	t.Parallel()
	token := serving.NewToken("0123456789abcdef")
	for presented, want := range map[string]error{
		"Bearer 0123456789abcdef":  nil,
		"":                         serving.ErrNoToken,
		"Bearer ":                  serving.ErrNoToken,
		"Bearer 0123456789abcdeF":  serving.ErrWrongToken,
		"Bearer 0123456789abcdef0": serving.ErrWrongToken,
		"0123456789abcdef":         serving.ErrWrongToken,
		"Basic 0123456789abcdef":   serving.ErrWrongToken,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", presented)
		if err := token.Admit(r); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", presented, err, want)
		}
		if err := (serving.Token{}).Admit(r); err != nil {
			t.Errorf("without a token %q: %v", presented, err)
		}
	}
}

func TestDerivedTokensDifferByPurposeAndTellNothing(t *testing.T) {
	t.Parallel()
	const text = secret.Text("0123456789abcdef")
	seen := map[string]bool{text.Reveal(): true}
	for _, derived := range []secret.Text{serving.Derive(text, "a"), serving.Derive(text, "b"), serving.Derive(text+"0", "a")} {
		if seen[derived.Reveal()] || len(derived.Reveal()) < serving.MinToken {
			t.Errorf("%q is no token of its own", derived.Reveal())
		}
		seen[derived.Reveal()] = true
	}
	if got := serving.Derive("", "a"); got != "" {
		t.Error("without a token one is derived")
	}
	if again := serving.Derive(text, "a"); !seen[again.Reveal()] {
		t.Error("the same text gave another token")
	}
}
