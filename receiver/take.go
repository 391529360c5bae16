package receiver

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/otlp"
)

// take reads a request, puts it into the log, and says what became of it.
func (s *Server) take(w http.ResponseWriter, r *http.Request, signal otlp.Signal) answer {
	room := &share{of: s.memory}
	body, err := s.read(w, r, room)
	if err != nil {
		room.release()
		return unread(err)
	}
	cuts, err := s.cut(body, signal, form(r), room)
	if err != nil {
		room.release()
		return uncut(err)
	}
	if cuts.Kept == 0 {
		room.release()
		s.refused(signal, cuts)
		if cuts.Left > 0 {
			return failed(http.StatusBadRequest, "nothing of it can be kept: "+reasons(cuts))
		}
		return accepted(signal, 0, "")
	}
	began := time.Now()
	if err := s.put(r.Context(), cuts, room); err != nil {
		return s.unput(err)
	}
	s.config.Observer.Accepted(signal, cuts.Kept, time.Since(began))
	s.refused(signal, cuts)
	return accepted(signal, cuts.Left, reasons(cuts))
}

// cut makes messages of a body. The share has room for it, and gets what the
// messages take.
func (s *Server) cut(body []byte, signal otlp.Signal, from encoding, room *share) (otlp.Cuts, error) {
	taken := room.taken
	if err := expect(body, signal, from); err != nil {
		return otlp.Cuts{}, err
	}
	if from == textual {
		if !room.grow(taken + 6*int64(len(body))) {
			return otlp.Cuts{}, errFull
		}
		var err error
		limits := otlp.Limits{Bytes: int(s.config.Limits.Body) + 1, Depth: s.config.Limits.Cut.Depth}
		if body, err = otlp.Proto(body, signal, limits); err != nil {
			return otlp.Cuts{}, err
		}
	}
	if !room.grow(taken + 2*int64(len(body))) {
		return otlp.Cuts{}, errFull
	}
	cuts, err := otlp.Cut(body, signal, s.config.Limits.Cut)
	if err != nil {
		return cuts, err
	}
	total := int64(0)
	for _, p := range cuts.Parts {
		total += int64(len(p.Body))
	}
	if !room.grow(taken + total) {
		return otlp.Cuts{}, errFull
	}
	return cuts, nil
}

// expect says what a body is that was sent to the wrong place, or under another
// name.
func expect(body []byte, signal otlp.Signal, from encoding) error {
	text := bytes.TrimLeft(body, " \t\r\n\ufeff")
	if from == binary && len(text) > 0 && text[0] == '{' {
		return fmt.Errorf("%w: this is JSON; its Content-Type must be %s", otlp.ErrNotOTLP, typeJSON)
	}
	if len(body) == 0 || string(bytes.TrimSpace(text)) == "{}" {
		return nil // A request without anything.
	}
	format, err := otlp.Sniff(body)
	switch {
	case err != nil && from == textual:
		return err
	case err != nil:
		return nil //nolint:nilerr // what is damaged is said where it is cut
	case from == textual && !format.JSON():
		return fmt.Errorf("%w in JSON: its Content-Type must be %s", otlp.ErrNotOTLP, typeProto)
	case signal == otlp.Spans && format.Signal() == otlp.Logs:
		return fmt.Errorf("%w with spans: these are log records, which go to /v1/logs", otlp.ErrNotOTLP)
	case signal == otlp.Logs && format == otlp.TracesJSON:
		return fmt.Errorf("%w with log records: these are spans, which go to /v1/traces", otlp.ErrNotOTLP)
	}
	return nil
}

// put writes the parts and waits until the log has them, or their time is over.
// The room is released once the log needs it no more.
func (s *Server) put(ctx context.Context, cuts otlp.Cuts, room *share) error {
	records := make([]traces.Record, len(cuts.Parts))
	for i, p := range cuts.Parts {
		records[i].Value = p.Body
		if p.Trace != (otlp.TraceID{}) {
			records[i].Key = hex.AppendEncode(nil, p.Trace[:])
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Limits.Acknowledge)
	defer cancel()
	until, _ := ctx.Deadline()
	acknowledged := make(chan error, 1)
	s.config.Log.Write(records, until, func(err error) {
		room.release()
		acknowledged <- err
	})
	select {
	case err := <-acknowledged:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// refused tells the observer what was left out.
func (s *Server) refused(signal otlp.Signal, cuts otlp.Cuts) {
	for _, r := range cuts.Refused {
		s.config.Observer.Refused(signal, reasonOf(r.Reason), r.Records)
	}
}

// Why records are refused, in words for metrics.
const (
	ReasonID      = "id"
	ReasonDamaged = "damaged"
	ReasonLarge   = "too_large"
)

// Reasons are all of them.
func Reasons() []string { return []string{ReasonID, ReasonDamaged, ReasonLarge} }

func reasonOf(err error) string {
	switch {
	case errors.Is(err, otlp.ErrID):
		return ReasonID
	case errors.Is(err, otlp.ErrTooLarge):
		return ReasonLarge
	}
	return ReasonDamaged
}

// reasons says why records were left out, for people.
func reasons(cuts otlp.Cuts) string {
	var text bytes.Buffer
	for i, r := range cuts.Refused {
		if i > 0 {
			text.WriteString("; ")
		}
		fmt.Fprintf(&text, "%d: %v", r.Records, r.Reason)
	}
	return text.String()
}

// uncut is the answer to a body that is no request.
func uncut(err error) answer {
	switch {
	case errors.Is(err, errFull):
		return unread(err)
	case errors.Is(err, otlp.ErrTooMany):
		return failed(http.StatusRequestEntityTooLarge, err.Error())
	}
	return failed(http.StatusBadRequest, err.Error())
}

// unput is the answer to what the log did not take.
func (s *Server) unput(err error) answer {
	if errors.Is(err, traces.ErrTooLarge) {
		return failed(http.StatusRequestEntityTooLarge, "Kafka takes no message as large as one of it: raise max.message.bytes of the topic")
	}
	s.config.Logger.Debug("The log did not acknowledge a request in time.", "error", err)
	return busy("Kafka has not acknowledged it: try again")
}
