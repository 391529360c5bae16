package services

import (
	"crypto/tls"
	"errors"
	"strings"
)

// untrusted reports whether the server's certificate was not believed.
func untrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok || strings.Contains(err.Error(), "tls: failed to verify certificate")
}

// speaksPlain reports whether the server answered TLS with something else.
func speaksPlain(err error) bool {
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok || strings.Contains(err.Error(), "first record does not look like a TLS handshake")
}
