// Package serve puts policies behind HTTP, for agents in any language, and
// holds the client for agents in Go.
//
//	POST {base}/v1/policies/{digest}/decide    makes decisions
//	GET  {base}/v1/policies/{digest}/weights   the weights as safetensors
//	GET  {base}/healthz                        answers 200
//
// The digest is that of the weights, never "latest": who asks under one digest
// gets decisions of those weights or an error. A decision is a pure function of
// weights, features, seed and number, with the same bits alone or with others
// in one request, so a request may be sent again at will. Floating-point
// numbers in JSON keep every bit of a float32.
//
// A server that others than this machine can reach asks for a token, in the
// header Authorization: Bearer TOKEN.
//
// An error is a JSON object {"error": "a sentence"}: 400 for a request that is
// wrong, 401 for one without the token, 404 for a policy that is not here, 413 for one that is too large, 500
// for a policy that has diverged, 503 when the server is stopping or the
// request's time has passed.
package serve

import "github.com/cohort-rl/cohort/policy"

// Bounds of requests and responses.
const (
	MaxBody = 8 << 20   // bytes of JSON, either way
	MaxSeed = 1<<53 - 1 // so that every JSON decoder keeps it exact

	// maxHidden bounds the memory of a request: candidates times hidden units.
	maxHidden = 1 << 24
)

// Request asks for decisions of one policy.
type Request struct {
	// Seed is where the randomness of all decisions comes from, at most MaxSeed.
	Seed uint64 `json:"seed"`
	// Greedy asks for the candidates with the highest score, without randomness.
	Greedy bool `json:"greedy"`
	// Decisions are independent of each other.
	Decisions []Decision `json:"decisions"`
}

// Decision is one choice to make.
type Decision struct {
	// Number tells the decisions of a seed apart: each draws its own random
	// number.
	Number uint32 `json:"number"`
	// Features are those of the candidates, a row each.
	Features Rows `json:"features"`
}

// Response has one choice for each decision asked for, in their order.
type Response struct {
	Digest    string          `json:"digest"` // of the weights that decided
	Decisions []policy.Choice `json:"decisions"`
}

// failure is the body of every status but 200.
type failure struct {
	Error string `json:"error"`
}
