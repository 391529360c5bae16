package api

import (
	"errors"
	"net/http"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

// health is the answer of a server that is well.
type health struct {
	Status string `json:"status"`
}

// health says that the process lives.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, health{"ok"})
}

// ready says whether the object store answers.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) error {
	_, err := s.config.Store.Head(r.Context(), job.DeploymentKey)
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return &Error{
			Status: http.StatusServiceUnavailable, Code: CodeStore,
			Message: "the object store does not answer", Remedy: "see the server's --store, and whether the store runs",
		}
	}
	return reply(w, http.StatusOK, health{"ok"})
}
