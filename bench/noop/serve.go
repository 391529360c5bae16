package noop

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/serving"
)

// Serve answers on listener until ctx ends, and then closes the agent.
func Serve(ctx context.Context, listener net.Listener, a *Agent) error {
	const drain = 2 * time.Second
	err := serving.Run(ctx, &http.Server{Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second}, listener, drain)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	a.Close(closing)
	return err
}
