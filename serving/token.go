package serving

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/cohort-rl/cohort/secret"
)

// MinToken is the least length of a token that guards a server, in bytes.
const MinToken = 16

// Why a request is not let in.
var (
	ErrNoToken    = errors.New("the server asks for a token")
	ErrWrongToken = errors.New("the token is not the server's")
)

// Token is what a request must present, in the header Authorization: Bearer
// TOKEN. It keeps the token's SHA-256, never the token. The zero Token lets
// everybody in.
type Token struct {
	required bool
	digest   [sha256.Size]byte
}

// NewToken returns the guard of a token; an empty text asks for none.
func NewToken(text secret.Text) Token {
	if text == "" {
		return Token{}
	}
	return Token{required: true, digest: sha256.Sum256([]byte(text.Reveal()))}
}

// Required says whether a request must present a token at all.
func (t Token) Required() bool { return t.required }

// Admit returns ErrNoToken or ErrWrongToken for a request that is not let in. It
// takes the same time whatever the request presents.
func (t Token) Admit(r *http.Request) error {
	if !t.required {
		return nil
	}
	presented, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	digest := sha256.Sum256([]byte(presented))
	if subtle.ConstantTimeCompare(digest[:], t.digest[:]) == 1 && ok {
		return nil
	}
	if presented == "" {
		return ErrNoToken
	}
	return ErrWrongToken
}

// Derive returns a token for one purpose, from which nobody learns the one it is
// made of. An empty text gives an empty one.
func Derive(text secret.Text, purpose string) secret.Text {
	if text == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(text.Reveal()))
	_, _ = mac.Write([]byte("cohort token for " + purpose)) // A hash takes everything.
	return secret.Text(hex.EncodeToString(mac.Sum(nil)))
}
