package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/submission"
)

// cancel asks for a job's end.
func (s *Server) cancel(w http.ResponseWriter, r *http.Request) error {
	id, err := job.ParseID(r.PathValue("id"))
	if err != nil {
		return err
	}
	request, err := readCancel(http.MaxBytesReader(w, r.Body, maxSmall))
	if err != nil {
		return err
	}
	if err := submission.Cancel(r.Context(), s.config.Store, id, request.Reason, s.config.Nonce(), s.config.Clock.Now()); err != nil {
		return err
	}
	j, err := s.look(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, j)
}

// readCancel reads the request; an empty body is one without a reason.
func readCancel(body io.Reader) (cancelRequest, error) {
	var request cancelRequest
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&request)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return request, err
	case err != nil && !errors.Is(err, io.EOF):
		return request, invalid(`the body must be a JSON object like {"reason": "a sentence"}`, "")
	case len(request.Reason) > maxReason || strings.ContainsFunc(request.Reason, unicode.IsControl):
		return request, invalid("reason must be one line of at most 1024 bytes", "")
	}
	return request, nil
}
