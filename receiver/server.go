package receiver

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/serving"
	"github.com/cohort-rl/cohort/traces/otlp"
)

// Bounds of connections.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10
	// answerTimeout is how long an exporter may take to read an answer.
	answerTimeout = 5 * time.Second
)

// A Server answers exporters.
type Server struct {
	config Config
	token  serving.Token
	memory *budget
	turns  chan struct{}
}

// NewServer returns a server. It does nothing until it is asked.
func NewServer(c Config) *Server {
	return &Server{
		config: c, token: serving.NewToken(c.Token), memory: newBudget(c.Limits.Memory),
		turns: make(chan struct{}, c.Limits.Requests),
	}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	signal := otlp.Spans
	switch r.URL.Path {
	case "/v1/traces":
	case "/v1/logs":
		signal = otlp.Logs
	default:
		write(w, form(r), failed(http.StatusNotFound, "there is nothing here: spans go to /v1/traces, log records to /v1/logs"))
		return
	}
	began := time.Now()
	s.config.Observer.Began()
	a := s.answer(w, r, signal)
	if a.again {
		s.drain(w, r)
	}
	s.config.Observer.Answered(signal, a.status, time.Since(began))
	write(w, form(r), a)
}

// drain reads what is left of a body and keeps nothing of it. Who is still
// sending would otherwise find the connection closed, and not hear that it is to
// come again. Who sends too long or too slowly finds it closed all the same.
func (s *Server) drain(w http.ResponseWriter, r *http.Request) {
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(s.config.Limits.Receive)) // a test's recorder has none
	if _, err := io.Copy(io.Discard, io.LimitReader(r.Body, s.config.Limits.Body)); err == nil {
		_ = connection.SetReadDeadline(time.Time{})
	}
}

// answer does what a request asks for.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, signal otlp.Signal) answer {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return failed(http.StatusMethodNotAllowed, "use POST")
	}
	if err := s.token.Admit(r); err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return failed(http.StatusUnauthorized, err.Error()+": set OTEL_EXPORTER_OTLP_HEADERS to Authorization=Bearer%20TOKEN")
	}
	if form(r) == unknown {
		return failed(http.StatusUnsupportedMediaType, fmt.Sprintf("the Content-Type %.60q is neither application/x-protobuf nor application/json", r.Header.Get("Content-Type")))
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	default:
		return busy(fmt.Sprintf("%d requests are under way already", s.config.Limits.Requests))
	}
	return s.take(w, r, signal)
}

// Serve answers on l until ctx ends; requests under way then have the grace
// period. It closes l, and returns nil when it stopped because ctx ended. No
// goroutine of it outlives it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      headerTimeout + s.config.Limits.Receive + s.config.Limits.Acknowledge + answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug),
	}
	if err := serving.Run(ctx, server, l, s.config.Grace); err != nil {
		return fmt.Errorf("serve OTLP: %w", err)
	}
	return nil
}
