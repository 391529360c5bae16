package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/serving"
)

// Limits of the server that Serve runs.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 60 * time.Second
	idleTimeout   = 2 * time.Minute // longer than clients keep a connection
	drainTimeout  = 5 * time.Second
	maxHeader     = 16 << 10
)

// Serve answers on l until ctx ends; requests under way then have five seconds.
// It closes l, and returns nil when it stopped because ctx ended. No goroutine
// of it outlives it.
func (h *Host) Serve(ctx context.Context, l net.Listener) error { return Run(ctx, l, h.Handler()) }

// Run is Serve with a handler that may answer more than the host's does.
func Run(ctx context.Context, l net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		// What goes wrong with a connection its client knows.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	if err := serving.Run(ctx, server, l, drainTimeout); err != nil {
		return fmt.Errorf("serve policies: %w", err)
	}
	return nil
}
