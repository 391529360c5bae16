package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/cohort-rl/cohort/serving"
)

// Limits of the server that Serve runs.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	drainTimeout   = time.Second
	maxHeader      = 16 << 10
	maxScrapes     = 4 // at a time
)

// Handler answers
//
//	GET /metrics  what g gathers, for Prometheus; asks for the token, if there is one
//	GET /healthz  200 while the process lives
//	GET /readyz   200 while all services answer, else 503 with the reason
//
// The bodies of the probes are JSON: {"status":"ok"}, or {"status":"unavailable",
// "reasons":["redis does not answer: ..."]}.
func Handler(g prometheus.Gatherer, checks Checks, token serving.Token, logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	scrape := promhttp.HandlerFor(g, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             requestTimeout,
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if err := token.Admit(r); err != nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="cohort"`)
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		scrape.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { reply(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		var reasons []string
		for _, err := range checks.Ask(r.Context()) {
			if err != nil {
				reasons = append(reasons, err.Error())
			}
		}
		reply(w, reasons)
	})
	return mux
}

// reply answers a probe; without reasons all is well.
func reply(w http.ResponseWriter, reasons []string) {
	answer := struct {
		Status  string   `json:"status"`
		Reasons []string `json:"reasons,omitempty"`
	}{"ok", reasons}
	status := http.StatusOK
	if len(reasons) > 0 {
		answer.Status, status = "unavailable", http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // Who asked and is gone asks again.
}

// Serve answers on l with h until ctx ends. It closes l, and returns nil when it
// stopped because ctx ended.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      2 * requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		// What goes wrong with a connection its client knows.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	if err := serving.Run(ctx, server, l, drainTimeout); err != nil {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}
