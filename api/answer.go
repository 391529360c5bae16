package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/deletion"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/submission"
)

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, err = w.Write(text)
	return gone(err)
}

// gone takes the error of a write: whoever does not listen any more asks again.
func gone(error) error { return nil }

// fail answers with what err says.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	said := explain(err)
	switch {
	case r.Context().Err() != nil && errors.Is(err, context.Canceled): // nobody listens
		return
	case said.Status == http.StatusInternalServerError:
		s.config.Logger.Error("A request failed.", "method", r.Method, "path", r.URL.Path, "error", err)
	case said.Status == http.StatusServiceUnavailable:
		s.config.Logger.Warn("A request could not be answered.", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if err := reply(w, said.Status, failure{said}); err != nil {
		s.config.Logger.Error("An error could not be encoded.", "error", err)
	}
}

// explain makes an answer of an error.
func explain(err error) *Error {
	var (
		said     *Error
		wrong    spec.Errors
		conflict *submission.ConflictError
		ended    *submission.EndedError
		running  *deletion.RunningError
		needed   *deletion.NeededError
		topic    *deletion.TopicError
		large    *http.MaxBytesError
	)
	message := err.Error()
	switch {
	case errors.As(err, &said):
		return said
	case errors.As(err, &wrong):
		return invalidSpec(wrong)
	case errors.As(err, &conflict):
		return &Error{Status: http.StatusConflict, Code: CodeKeyConflict, Message: message, Remedy: "use another key (--key), or submit what was submitted before"}
	case errors.Is(err, submission.ErrTooMany):
		return &Error{Status: http.StatusConflict, Code: CodeInvalidRequest, Message: message, Remedy: "cohort cancel ends it, whatever was asked before"}
	case errors.As(err, &ended):
		return &Error{Status: http.StatusConflict, Code: CodeEnded, Message: message, Remedy: ended.End.Remedy}
	case errors.As(err, &running):
		return stillRunning(running)
	case errors.As(err, &needed):
		return &Error{
			Status: http.StatusConflict, Code: CodeNeeded, Message: needed.Error(),
			Remedy: fmt.Sprintf("delete %s once %s has taken its first step, or end that with `cohort cancel %s`", needed.Job, needed.By, needed.By),
		}
	case errors.As(err, &topic):
		return &Error{Status: http.StatusServiceUnavailable, Code: CodeKafka, Message: topic.Error(), Remedy: "see that Kafka runs, and delete the job again"}
	case errors.As(err, &large):
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge, Message: fmt.Sprintf("the request is larger than %d bytes", large.Limit)}
	case errors.Is(err, submission.ErrUnknownJob), errors.Is(err, job.ErrInvalidID):
		return &Error{Status: http.StatusNotFound, Code: CodeUnknownJob, Message: message, Remedy: "`cohort jobs` lists the jobs"}
	case errors.Is(err, submission.ErrInvalidKey):
		return invalid(message, "")
	case blob.Temporary(err), errors.Is(err, context.DeadlineExceeded):
		return &Error{Status: http.StatusServiceUnavailable, Code: CodeStore, Message: "the object store does not answer: " + message, Remedy: "try again; jobs that run wait for it"}
	}
	return &Error{Status: http.StatusInternalServerError, Code: CodeInternal, Message: message}
}

// stillRunning is the answer to who would delete a job that has not ended.
func stillRunning(e *deletion.RunningError) *Error {
	said := &Error{
		Status: http.StatusConflict, Code: CodeRunning, Message: e.Error(),
		Remedy: fmt.Sprintf("end it with `cohort cancel %s`, and delete it then", e.Job),
	}
	if e.Ending {
		said.Remedy = "try again in a few seconds"
	}
	return said
}

// invalidSpec lists everything that is wrong with a spec.
func invalidSpec(wrong spec.Errors) *Error {
	said := &Error{Status: http.StatusUnprocessableEntity, Code: CodeInvalidSpec, Message: "the spec or its data sets are not valid"}
	for _, e := range wrong {
		said.Fields = append(said.Fields, Field{File: e.File, Line: e.Line, Field: e.Field, Message: e.Message})
	}
	return said
}

// invalid is a request that no server could answer.
func invalid(message, remedy string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: CodeInvalidRequest, Message: message, Remedy: remedy}
}

func methodError(r *http.Request, allowed string) *Error {
	return &Error{
		Status: http.StatusMethodNotAllowed, Code: CodeMethod,
		Message: fmt.Sprintf("%s is not answered here", r.Method), Remedy: "use " + allowed,
	}
}

func pageError(r *http.Request) *Error {
	return &Error{
		Status: http.StatusNotFound, Code: CodeNotFound,
		Message: fmt.Sprintf("there is no %.200q here", r.URL.Path), Remedy: "see /v1/openapi.yaml",
	}
}
