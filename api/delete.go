package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/deletion"
	"github.com/cohort-rl/cohort/job"
)

// deleted is the answer to who deleted a job.
type deleted struct {
	ID job.ID `json:"id"`
}

// remove deletes a job. It is gone when the answer is sent.
func (s *Server) remove(w http.ResponseWriter, r *http.Request) error {
	id, err := job.ParseID(r.PathValue("id"))
	if err != nil {
		return err
	}
	// A job may have a great many objects.
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(submitTimeout + requestTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	err = deletion.Delete(r.Context(), s.config.Store, s.config.Topics, deletion.Request{
		Job: id, TopicPrefix: s.config.TopicPrefix, At: s.config.Clock.Now(),
	})
	if err != nil {
		return err
	}
	s.config.Logger.Info("Deleted.", "job", string(id))
	return reply(w, http.StatusOK, deleted{id})
}
