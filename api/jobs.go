package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/submission"
)

// look reads a job: its progress, and its definition if it is new here.
func (s *Server) look(ctx context.Context, id job.ID) (Job, error) {
	about, err := s.names.get(ctx, id)
	if err != nil {
		return Job{}, err
	}
	head, err := submission.Look(ctx, s.config.Store, id)
	if head == nil && ctx.Err() == nil {
		// So looks a job that waits, and one that is being deleted.
		if gone := s.names.check(ctx, id); gone != nil {
			return Job{}, gone
		}
	}
	if err != nil {
		return Job{}, err
	}
	return about.job(head), nil
}

// job answers with one job.
func (s *Server) job(w http.ResponseWriter, r *http.Request) error {
	id, err := job.ParseID(r.PathValue("id"))
	if err != nil {
		return err
	}
	j, err := s.look(r.Context(), id)
	if err != nil {
		return err
	}
	one := []Job{j}
	s.tellRefusals(r.Context(), one)
	return reply(w, http.StatusOK, one[0])
}

// tellRefusals adds to the jobs which workers refuse their shards. It is a hint:
// where Redis does not answer soon, nothing is said.
func (s *Server) tellRefusals(ctx context.Context, jobs []Job) {
	if s.config.Refusals == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, refusalsTimeout)
	defer cancel()
	for i := range jobs {
		if jobs[i].State.Ended() {
			continue
		}
		refusals, err := s.config.Refusals(ctx, jobs[i].ID)
		if err != nil {
			s.config.Logger.Debug("Who refuses a job is not known.", "job", string(jobs[i].ID), "error", err)
			return
		}
		jobs[i].RefusedBy = refusals
	}
}

// list answers with a page of jobs.
func (s *Server) list(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	limit := defaultPage
	if text := query.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPage {
			return invalid(fmt.Sprintf("limit must be a number from 1 to %d", maxPage), "")
		}
	}
	after, err := parseCursor(query.Get("after"))
	if err != nil {
		return err
	}
	page, more, err := s.index.page(r.Context(), limit, after)
	if err != nil {
		return err
	}
	answer := Page{Jobs: []Job{}}
	if more {
		answer.Next = page[len(page)-1].cursor()
	}
	if answer.Jobs, err = s.lookAll(r.Context(), page); err != nil {
		return err
	}
	s.tellRefusals(r.Context(), answer.Jobs)
	return reply(w, http.StatusOK, answer)
}

// lookAll reads the jobs of a page, without those whose submission was cut
// short, or whose objects cannot be read.
func (s *Server) lookAll(ctx context.Context, page []submitted) ([]Job, error) {
	found := make([]*Job, len(page))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(reads)
	for i, p := range page {
		g.Go(func() error {
			j, err := s.look(ctx, p.id)
			switch {
			case err == nil:
				found[i] = &j
			case ctx.Err() != nil || blob.Temporary(err):
				return err
			case !errors.Is(err, submission.ErrUnknownJob):
				s.config.Logger.Error("A job cannot be read; it is not listed.", "job", string(p.id), "error", err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	jobs := []Job{}
	for _, j := range found {
		if j != nil {
			jobs = append(jobs, *j)
		}
	}
	return jobs, nil
}

// cursor is the place in the list as clients see it.
func (s submitted) cursor() string { return fmt.Sprintf("%d.%s", s.at.UnixMilli(), s.id) }

func parseCursor(text string) (*submitted, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no cursor is the list's start
	}
	at, name, _ := strings.Cut(text, ".")
	millis, err := strconv.ParseInt(at, 10, 64)
	id, wrong := job.ParseID(name)
	if err != nil || wrong != nil {
		return nil, invalid("after must be what the page before gave as next", "")
	}
	return &submitted{at: time.UnixMilli(millis).UTC(), id: id}, nil
}
