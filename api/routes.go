package api

import (
	"context"
	_ "embed" // the OpenAPI document
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/numerics"
)

//go:embed openapi.yaml
var document string

// Document returns the OpenAPI document of the API, in YAML.
func Document() string { return document }

// Route is something that the server answers.
type Route struct{ Method, Path string }

// route is a route with what answers it. An error that is returned becomes the
// answer; nothing was written then.
type route struct {
	Route
	answer func(http.ResponseWriter, *http.Request) error
	// limit bounds the time of the answer; 0: the handler does.
	limit time.Duration
	open  bool // needs no token
}

// Routes lists what the server answers.
func (s *Server) Routes() []Route {
	var all []Route
	for _, r := range s.routes(context.Background()) {
		all = append(all, r.Route)
	}
	return all
}

// routes is the table of everything that the server answers. Streams end when
// serving does.
func (s *Server) routes(serving context.Context) []route {
	events := func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(serving, cancel)()
		return s.events(w, r.WithContext(ctx)) //nolint:contextcheck // it is the request's, and ends with serving too
	}
	return []route{
		{Route{http.MethodPost, "/v1/jobs"}, s.submit, submitTimeout, false},
		{Route{http.MethodGet, "/v1/jobs"}, s.list, requestTimeout, false},
		{Route{http.MethodGet, "/v1/jobs/{id}"}, s.job, requestTimeout, false},
		{Route{http.MethodDelete, "/v1/jobs/{id}"}, s.remove, submitTimeout, false},
		{Route{http.MethodGet, "/v1/jobs/{id}/events"}, events, 0, false},
		{Route{http.MethodPost, "/v1/jobs/{id}/cancel"}, s.cancel, requestTimeout, false},
		{Route{http.MethodPost, "/v1/jobs/{id}/pause"}, s.pause, requestTimeout, false},
		{Route{http.MethodPost, "/v1/jobs/{id}/resume"}, s.resume, requestTimeout, false},
		{Route{http.MethodGet, "/v1/version"}, s.version, requestTimeout, false},
		{Route{http.MethodGet, "/v1/openapi.yaml"}, s.document, requestTimeout, false},
		{Route{http.MethodGet, "/healthz"}, s.health, requestTimeout, true},
		{Route{http.MethodGet, "/readyz"}, s.ready, readyTimeout, true},
	}
}

// build is the handler of all routes.
func (s *Server) build(serving context.Context) http.Handler {
	mux := http.NewServeMux()
	methods := map[string]string{}
	for _, r := range s.routes(serving) {
		mux.HandleFunc(r.Method+" "+r.Path, s.handle(r))
		if methods[r.Path] != "" {
			methods[r.Path] += ", "
		}
		methods[r.Path] += r.Method
	}
	for path, allowed := range methods {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", allowed)
			s.fail(w, r, methodError(r, allowed))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, pageError(r)) })
	return s.local(s.sameOrigin(mux))
}

// handle is the handler of one route.
func (s *Server) handle(route route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !route.open {
			if err := s.admit(r); err != nil {
				w.Header().Set("WWW-Authenticate", `Bearer realm="cohort"`)
				s.fail(w, r, err)
				return
			}
		}
		if route.limit > 0 {
			ctx, cancel := context.WithTimeout(r.Context(), route.limit)
			defer cancel()
			r = r.WithContext(ctx)
		}
		if err := route.answer(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, Version{Version: s.config.Version, API: "v1", Numerics: numerics.Version})
}

func (s *Server) document(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	_, err := w.Write([]byte(document))
	return gone(err)
}
