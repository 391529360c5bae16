package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard decides who is answered. It keeps the token's SHA-256, never the token.
type guard struct {
	required bool
	digest   [sha256.Size]byte
}

func newGuard(token string) guard {
	return guard{required: token != "", digest: sha256.Sum256([]byte(token))}
}

// admit refuses a request without the token, if there is one. It takes the same
// time whatever the request presents.
func (g guard) admit(r *http.Request) error {
	if !g.required {
		return nil
	}
	presented, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	digest := sha256.Sum256([]byte(presented))
	if subtle.ConstantTimeCompare(digest[:], g.digest[:]) == 1 && ok {
		return nil
	}
	message := "the token is not the server's"
	if presented == "" {
		message = "the server asks for a token"
	}
	return &Error{
		Status: http.StatusUnauthorized, Code: CodeUnauthorized, Message: message,
		Remedy: "present the server's token, in the header Authorization: Bearer TOKEN",
	}
}

// local refuses requests that reached a server without a token under a name
// that is not loopback's: a web page whose name was made to resolve to this
// machine must not submit jobs.
func (g guard) local(next http.Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.required && !loopback(r.Host) {
			fail(w, r, &Error{
				Status: http.StatusForbidden, Code: CodeForbidden,
				Message: "a server without a token answers only to localhost and loopback addresses",
				Remedy:  "ask for http://127.0.0.1 with its port, or start the server with a token",
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback()
}

// sameOrigin refuses what a browser sends on behalf of another site's page.
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &Error{
			Status: http.StatusForbidden, Code: CodeForbidden,
			Message: "the request comes from a page of another site",
		})
	}))
	return protection.Handler(next)
}
