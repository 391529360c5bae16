package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/serving"
)

// Exposure is what guards the addresses at which a process listens. Beyond
// loopback all of it is required.
type Exposure struct {
	TLSCert   string      `name:"tls-cert" env:"COHORT_TLS_CERT" placeholder:"FILE" group:"exposure" help:"PEM file with the certificate, and those between it and its authority, under which this process is reached."`
	TLSKey    string      `name:"tls-key" env:"COHORT_TLS_KEY" placeholder:"FILE" group:"exposure" help:"PEM file with the certificate's key."`
	Token     secret.Text `env:"COHORT_TOKEN" placeholder:"SECRET" group:"exposure" help:"Token that others must present, at least 16 characters. On a command line others can read it: rather use the environment or a file."`
	TokenFile string      `env:"COHORT_TOKEN_FILE" placeholder:"FILE" group:"exposure" help:"File with the token."`
}

// Validate names the first flag that is wrong.
func (e Exposure) Validate() error {
	if (e.TLSCert == "") != (e.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key go together: give both, or none")
	}
	_, err := e.token()
	return err
}

// token is what others must present; empty asks for none.
func (e Exposure) token() (secret.Text, error) {
	token, err := secret.Choose(e.Token, e.TokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	if n := len(token.Reveal()); n > 0 && n < serving.MinToken {
		return "", fmt.Errorf("--token-file (or COHORT_TOKEN): the token has %d characters; use at least %d, such as those of `openssl rand -hex 16`", n, serving.MinToken)
	}
	return token, nil
}

// check refuses an address, given with flag, that others could reach unguarded.
func (e Exposure) check(flag, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--%s %q: use HOST:PORT, such as 127.0.0.1:0", flag, address)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip.IsLoopback() {
		return nil
	}
	token, err := e.token()
	if err != nil {
		return err
	}
	if e.TLSCert == "" || e.TLSKey == "" || token == "" {
		return fmt.Errorf("--%s %s: other machines could reach it: give --tls-cert, --tls-key and --token-file (or COHORT_TOKEN), or use a loopback address such as 127.0.0.1:0", flag, address)
	}
	return nil
}

// checkAll refuses the addresses that others could reach unguarded.
func (e Exposure) checkAll(listen, metrics string) error {
	if err := e.check("listen", listen); err != nil || metrics == "" {
		return err
	}
	return e.check("metrics-listen", metrics)
}

// scheme is how the addresses of this process begin.
func (e Exposure) scheme() string {
	if e.TLSCert != "" {
		return "https://"
	}
	return "http://"
}

// listen listens at an address, given with flag, with TLS if there is a
// certificate.
func (e Exposure) listen(ctx context.Context, flag, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	if e.TLSCert == "" {
		return l, nil
	}
	secure, err := serving.Listen(l, e.TLSCert, e.TLSKey)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("--tls-cert %s, --tls-key %s: %w", e.TLSCert, e.TLSKey, err)
	}
	return secure, nil
}
