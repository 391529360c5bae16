package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"

	"github.com/cohort-rl/cohort/job/spec"
)

// Submission is a job to submit.
type Submission struct {
	// Key makes submitting twice submitting once; empty: each time is another job.
	Key string
	// File is the name of the spec's file in messages.
	File string
	Spec []byte // YAML
	// Data are the data sets' bytes by role: spec.RoleTasks, spec.RoleEval.
	Data map[string][]byte
}

// Submit submits a job; created says that there was none under its key before.
// A spec that is refused is an *Error whose Fields say everything that is wrong.
func (c *Client) Submit(ctx context.Context, s Submission) (j Job, created bool, err error) {
	form, err := s.form()
	if err != nil {
		return Job{}, false, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, submitTimeout, errSlow)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url(nil, "jobs").String(), form.reader())
	if err != nil {
		return Job{}, false, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", form.contentType)
	request.Header.Set("Expect", "100-continue") // a server that refuses need not read it all
	request.ContentLength = form.size()
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(form.reader()), nil }
	if s.Key != "" {
		request.Header.Set("Idempotency-Key", s.Key)
	}
	status, err := c.do(request, &j)
	return j, status == http.StatusCreated, err
}

// form is a multipart body whose large parts are not copied.
type form struct {
	contentType string
	pieces      [][]byte
}

// form lays out the parts: the spec first, then its data sets.
func (s Submission) form() (form, error) {
	var text bytes.Buffer
	w := multipart.NewWriter(&text)
	f := form{contentType: w.FormDataContentType()}
	part := func(name, file, kind string, body []byte) error {
		header := textproto.MIMEHeader{}
		header.Set("Content-Disposition", mime.FormatMediaType("form-data", map[string]string{"name": name, "filename": file}))
		header.Set("Content-Type", kind)
		if _, err := w.CreatePart(header); err != nil {
			return fmt.Errorf("write part %s: %w", name, err)
		}
		f.pieces = append(f.pieces, bytes.Clone(text.Bytes()), body)
		text.Reset()
		return nil
	}
	if err := part(partSpec, s.File, "application/yaml", s.Spec); err != nil {
		return form{}, err
	}
	for _, role := range []string{spec.RoleTasks, spec.RoleEval, spec.RoleThreads} {
		if body, ok := s.Data[role]; ok {
			if err := part(role, role+".jsonl", "application/jsonl", body); err != nil {
				return form{}, err
			}
		}
	}
	if err := w.Close(); err != nil {
		return form{}, fmt.Errorf("end the parts: %w", err)
	}
	f.pieces = append(f.pieces, bytes.Clone(text.Bytes()))
	return f, nil
}

func (f form) reader() io.Reader {
	readers := make([]io.Reader, len(f.pieces))
	for i, piece := range f.pieces {
		readers[i] = bytes.NewReader(piece)
	}
	return io.MultiReader(readers...)
}

func (f form) size() int64 {
	var n int64
	for _, piece := range f.pieces {
		n += int64(len(piece))
	}
	return n
}
