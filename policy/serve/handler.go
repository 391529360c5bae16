package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/policy/safetensors"
	"github.com/cohort-rl/cohort/serving"
)

// numericsKey is the metadata that names the arithmetic the weights are for.
const numericsKey = "numerics"

// Handler answers the requests of this package's documentation. It bounds the
// size of bodies; the server it runs in must bound their time, as Serve does.
func (h *Host) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/policies/{digest}/decide", h.withPolicy(h.decide))
	mux.HandleFunc("GET /v1/policies/{digest}/weights", h.withPolicy(weights))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, struct {
			Status string `json:"status"`
		}{"ok"})
	})
	return mux
}

// Guard makes requests for policies present a token from now on, in the header
// Authorization: Bearer TOKEN. The health check needs none. Call it before the
// host serves.
func (h *Host) Guard(t serving.Token) { h.token = t }

type policyHandler func(http.ResponseWriter, *http.Request, blob.Digest, policy.Policy)

// withPolicy looks up the policy that the path names.
func (h *Host) withPolicy(next policyHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h.token.Admit(r); err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="cohort"`)
			fail(w, http.StatusUnauthorized, err.Error()+": present the token that came with the policy's URL, in the header Authorization: Bearer TOKEN")
			return
		}
		digest, err := blob.ParseDigest(r.PathValue("digest"))
		if err != nil {
			fail(w, http.StatusBadRequest, fmt.Sprintf("%.80q is no digest of weights, which has 64 lower-case hexadecimal digits", r.PathValue("digest")))
			return
		}
		p, ok := h.Get(digest)
		if !ok {
			fail(w, http.StatusNotFound, fmt.Sprintf("no policy with weights %s is served here: ask under the URL of the current attempt", digest))
			return
		}
		next(w, r, digest, p)
	}
}

func (h *Host) decide(w http.ResponseWriter, r *http.Request, digest blob.Digest, p policy.Policy) {
	request, err := readRequest(http.MaxBytesReader(w, r.Body, MaxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the body exceeds %d bytes: ask for fewer decisions at a time", MaxBody))
		return
	}
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	batch := request.choices()
	if err := batch.Validate(p.Shape()); err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	if units := max(p.Shape().Hidden, 1); batch.Rows() > maxHidden/units {
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("%d candidates for %d hidden units: ask for at most %d candidates at a time",
			batch.Rows(), units, maxHidden/units))
		return
	}
	select {
	case h.running <- struct{}{}:
	case <-r.Context().Done():
		fail(w, http.StatusServiceUnavailable, "the request ended before its turn came")
		return
	}
	choices, err := h.choose(p, batch, request)
	<-h.running
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	h.decided(len(choices))
	reply(w, http.StatusOK, Response{Digest: string(digest), Decisions: choices})
}

// choose makes all decisions of a request in one forward pass.
func (h *Host) choose(p policy.Policy, batch policy.Choices, request Request) ([]policy.Choice, error) {
	act := h.memory.Get().(*policy.Activations)
	defer h.memory.Put(act)
	p.Forward(act, batch)
	choices := make([]policy.Choice, batch.Len())
	for d, decision := range request.Decisions {
		var err error
		if choices[d], err = act.Choose(d, request.Seed, decision.Number, request.Greedy); err != nil {
			return nil, err
		}
	}
	return choices, nil
}

func weights(w http.ResponseWriter, _ *http.Request, digest blob.Digest, p policy.Policy) {
	tensors, metadata := p.Weights().Tensors, map[string]string{numericsKey: numerics.Version}
	size, err := safetensors.Size(tensors, metadata)
	if err != nil {
		fail(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.Header().Set("ETag", strconv.Quote(string(digest)))
	_ = safetensors.Write(w, tensors, metadata) // A client that is gone sees a short body.
}

func reply(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"the answer has no JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // A client that is gone asks again.
}

func fail(w http.ResponseWriter, status int, sentence string) {
	reply(w, status, failure{Error: sentence})
}
