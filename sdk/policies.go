package sdk

import (
	"crypto/tls"
	"net/http"

	"github.com/cohort-rl/cohort/policy/serve"
)

// policies asks the policies that requests name, over connections that all
// attempts share.
type policies struct{ http *http.Client }

// maxIdlePolicies is how many connections to one worker's policy are kept.
const maxIdlePolicies = 256

func newPolicies(settings *tls.Config) policies {
	return policies{serve.NewHTTPClient(maxIdlePolicies, settings)}
}

func (p policies) close() { p.http.CloseIdleConnections() }
