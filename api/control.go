package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/submission"
)

// cancel asks for a job's end.
func (s *Server) cancel(w http.ResponseWriter, r *http.Request) error {
	return s.control(w, r, submission.Cancel)
}

// pause asks a job to stand still.
func (s *Server) pause(w http.ResponseWriter, r *http.Request) error {
	return s.control(w, r, submission.Pause)
}

// resume asks a job to go on.
func (s *Server) resume(w http.ResponseWriter, r *http.Request) error {
	return s.control(w, r, submission.Resume)
}

// ask puts a request to a job.
type ask func(ctx context.Context, b blob.Bucket, id job.ID, reason, nonce string, at time.Time) error

// control asks something of a job and answers with the job as it is then.
func (s *Server) control(w http.ResponseWriter, r *http.Request, ask ask) error {
	id, err := job.ParseID(r.PathValue("id"))
	if err != nil {
		return err
	}
	request, err := readControl(http.MaxBytesReader(w, r.Body, maxSmall))
	if err != nil {
		return err
	}
	if err := ask(r.Context(), s.config.Store, id, request.Reason, s.config.Nonce(), s.config.Clock.Now()); err != nil {
		return err
	}
	j, err := s.look(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, j)
}

// readControl reads the request; an empty body is one without a reason.
func readControl(body io.Reader) (controlRequest, error) {
	var request controlRequest
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
