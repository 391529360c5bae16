package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/job/dataset"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/submission"
)

// submit takes a job in. It is durable when the answer is sent.
func (s *Server) submit(w http.ResponseWriter, r *http.Request) error {
	key := r.Header.Get("Idempotency-Key")
	if key != "" {
		if err := submission.CheckKey(key); err != nil {
			return err
		}
	}
	deadline := time.Now().Add(submitTimeout)
	control := http.NewResponseController(w)
	if err := errors.Join(control.SetReadDeadline(deadline), control.SetWriteDeadline(deadline.Add(requestTimeout))); err != nil {
		return err
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-r.Context().Done():
		return &Error{Status: http.StatusServiceUnavailable, Code: CodeBusy, Message: "too many jobs are being submitted", Remedy: "try again"}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	parts, err := readParts(r)
	if err != nil {
		return err
	}
	decoded, err := spec.Decode(parts.file, parts.spec)
	if err != nil {
		return err
	}
	def, created, err := submission.Submit(r.Context(), s.config.Store, submission.Request{
		Key: key, Spec: decoded, Files: parts.data,
		ID: s.config.NewID(decoded.Name), At: s.config.Clock.Now(),
	})
	if err != nil {
		return err
	}
	s.config.Wake()
	j, err := s.look(r.Context(), def.ID)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		s.config.Logger.Info("Submitted.", "job", string(def.ID))
	}
	w.Header().Set("Location", "/v1/jobs/"+string(def.ID))
	return reply(w, status, j)
}

// parts are those of a submission.
type parts struct {
	file string
	spec []byte
	data map[string][]byte
}

// readParts reads the parts of a submission, each within its bound.
func readParts(r *http.Request) (*parts, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, invalid("a submission is multipart/form-data with the parts spec, tasks and, for an evaluation, eval", "see /v1/openapi.yaml")
	}
	read := &parts{data: map[string][]byte{}}
	for {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, brokenForm(err)
		}
		if err := read.take(part); err != nil {
			return nil, err
		}
	}
	if read.spec == nil {
		return nil, invalid("the part spec is missing", "")
	}
	return read, nil
}

// take reads one part.
func (p *parts) take(part *multipart.Part) error {
	name, limit := part.FormName(), dataset.MaxBytes
	_, given := p.data[name]
	switch name {
	case partSpec:
		given, limit = p.spec != nil, spec.MaxBytes
	case spec.RoleTasks, spec.RoleEval, spec.RoleThreads:
	default:
		return invalid(fmt.Sprintf("the part %.100q is none of spec, tasks, eval and threads", name), "")
	}
	if given {
		return invalid(fmt.Sprintf("the part %s comes twice", name), "")
	}
	body, err := io.ReadAll(io.LimitReader(part, int64(limit)+1))
	if err != nil {
		return brokenForm(err)
	}
	if len(body) > limit {
		return &Error{
			Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge,
			Message: fmt.Sprintf("the part %s is larger than %d bytes", name, limit),
		}
	}
	if name != partSpec {
		p.data[name] = body
		return nil
	}
	p.spec, p.file = body, fileName(part)
	return nil
}

// fileName is the name under which the client knows the spec. It appears in
// messages only.
func fileName(part *multipart.Part) string {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil || params["filename"] == "" {
		return partSpec
	}
	return params["filename"]
}

// brokenForm is a body that ended early, is too large, or is no form.
func brokenForm(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return invalid(fmt.Sprintf("the submission cannot be read: %v", err), "")
}
