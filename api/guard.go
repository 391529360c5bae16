package api

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// admit refuses a request without the token, if there is one.
func (s *Server) admit(r *http.Request) error {
	err := s.token.Admit(r)
	if err == nil {
		return nil
	}
	return &Error{
		Status: http.StatusUnauthorized, Code: CodeUnauthorized, Message: err.Error(),
		Remedy: "present the server's token, in the header Authorization: Bearer TOKEN",
	}
}

// local refuses requests that reached a server without a token under a name
// that is not loopback's: a web page whose name was made to resolve to this
// machine must not submit jobs.
func (s *Server) local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.token.Required() && !loopback(r.Host) {
			s.fail(w, r, &Error{
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
