package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/agent"
)

// Config is what an agent needs to be served.
type Config struct {
	Options
	// Listen is the address, host:port; port 0 takes a free one.
	Listen string
	// Ready is told the address once it is listened on; may be nil.
	Ready func(address net.Addr)
	// Parent ends when the process that started the agent is gone, as a pipe
	// on standard input does; then the agent stops. Serve closes it. May be nil.
	Parent io.ReadCloser
}

// stopBudget is the time for attempts that run when the agent is stopped.
const stopBudget = 5 * time.Second

// Serve answers rollouts with play until ctx or Parent ends. Attempts that run
// then are answered as unavailable. It returns nil when it was stopped.
func Serve(ctx context.Context, config Config, play Play) (err error) {
	if play == nil {
		return errors.New("serve agent: there is nothing to play: Play is nil")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if config.Parent != nil {
		defer config.Parent.Close()
		go func() {
			_, _ = io.Copy(io.Discard, config.Parent) // However it ends, the parent is gone.
			stop()
		}()
	}
	a, err := New(config.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close(context.WithoutCancel(ctx))) }()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", config.Listen)
	if err != nil {
		return fmt.Errorf("start agent: %w", err)
	}
	if config.Ready != nil {
		config.Ready(listener.Addr())
	}
	return answer(ctx, listener, agent.Handler(a.Attempt(play)))
}

// answer serves on listener until ctx ends and every attempt is answered.
func answer(ctx context.Context, listener net.Listener, handler http.Handler) error {
	attempts, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return attempts },
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return fmt.Errorf("serve agent: %w", err)
	case <-ctx.Done():
	}
	cancel()
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), stopBudget)
	defer done()
	err := server.Shutdown(closing)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if end := <-stopped; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	if err != nil {
		return fmt.Errorf("stop agent: %w", err)
	}
	return nil
}
