package countdown

import (
	"context"
	"crypto/tls"
	"net/http"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/policy/serve"
	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/telemetry"
)

// policies asks the policies that requests name, over connections that all
// attempts share.
type policies struct{ http *http.Client }

// maxIdlePolicies is how many connections to one worker's policy are kept.
const maxIdlePolicies = 256

func newPolicies(settings *tls.Config) policies {
	return policies{serve.NewHTTPClient(maxIdlePolicies, settings)}
}

// decide asks for one decision and returns it as it is to be recorded.
func (p policies) decide(ctx context.Context, r agent.Request, number uint32, features []float32) (telemetry.Decision, error) {
	client := serve.Client{URL: r.Policy.URL, Token: secret.Text(r.Policy.Token), HTTP: p.http}
	choices, err := client.Decide(ctx, serve.Request{Seed: r.Seed, Greedy: r.Greedy, Decisions: []serve.Decision{
		{Number: number, Features: serve.Rows{Width: Width, Values: features}},
	}})
	if err != nil {
		return telemetry.Decision{}, err
	}
	return telemetry.Decision{
		Number: number, Policy: r.Policy.Digest, Width: Width, Features: features,
		Chosen: uint32(choices[0].Chosen), LogProb: choices[0].LogProb,
	}, nil
}

func (p policies) close() { p.http.CloseIdleConnections() }
