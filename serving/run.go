package serving

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Run answers on l until ctx ends; requests under way then have the time drain,
// after which their connections are cut. It closes l, and returns nil when it
// stopped because ctx ended. No goroutine of it outlives it.
func Run(ctx context.Context, server *http.Server, l net.Listener, drain time.Duration) error {
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if server.Shutdown(draining) != nil {
			_ = server.Close() // Whoever is still talking is cut off.
		}
	})
	err := server.Serve(l)
	if !stop() {
		<-drained
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	_ = server.Close() // The error that counts is the one before.
	return err
}
