package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/cohort-rl/cohort/job"
)

// events streams what happens in a job until it has ended or the request's
// context has.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	id, err := job.ParseID(r.PathValue("id"))
	if err != nil {
		return err
	}
	from, err := firstEntry(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	limited, done := context.WithTimeout(ctx, requestTimeout)
	defer done()
	about, err := s.names.get(limited, id)
	if err != nil {
		return err
	}
	progress, leave := s.heads.watch(id)
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // proxies must not wait for more
	w.WriteHeader(http.StatusOK)
	f := &feed{Server: s, about: about, next: from, to: w, control: http.NewResponseController(w), spoke: s.config.Clock.Now()}
	f.run(ctx, progress)
	return nil
}

// firstEntry is the first entry that the client has not seen.
func firstEntry(r *http.Request) (int, error) {
	text, after := r.URL.Query().Get("from"), 0
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		text, after = last, 1
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1<<30 {
		return 0, invalid("from (or Last-Event-ID) must be the number of an entry, 0 or more", "")
	}
	return n + after, nil
}

// run tells what happens until the stream is over.
func (f *feed) run(ctx context.Context, progress *watched) {
	for {
		head, err := progress.look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.Server.config.Logger.Warn("The progress of a watched job cannot be read.", "job", string(f.about.id), "error", err)
		case !f.tell(ctx, head):
			return
		}
		if f.config.Clock.Now().Sub(f.spoke) >= heartbeat && !f.write(": nothing new\n\n") {
			return
		}
		if f.config.Clock.Sleep(ctx, headEvery) != nil {
			return
		}
	}
}
