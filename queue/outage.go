package queue

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// askEvery is how often Redis is asked whether it is back; askFor is how long
	// it has to answer.
	askEvery = 200 * time.Millisecond
	askFor   = 2 * time.Second
)

// outage says once that Redis does not answer, and once that it does again.
type outage struct {
	ping   func(ctx context.Context) error
	logger *slog.Logger

	mu   sync.Mutex // guards away
	away bool
}

// suspect asks Redis after something went wrong, and says whether it is away.
func (o *outage) suspect(ctx context.Context) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.away {
		return true
	}
	err := o.ask(ctx)
	if err == nil {
		return false
	}
	o.away = true
	o.logger.Warn("Redis does not answer; no shards come until it does.", "error", err)
	return true
}

// run notices when Redis is back, until ctx ends.
func (o *outage) run(ctx context.Context) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			o.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (o *outage) look(ctx context.Context) {
	o.mu.Lock()
	away := o.away
	o.mu.Unlock()
	if !away || o.ask(ctx) != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.away = false
	o.logger.Info("Redis answers again.")
}

func (o *outage) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	return o.ping(ctx)
}

// logger hands messages of the queue's library to slog. What it complains about
// while Redis is away is said already.
type logger struct {
	to     *slog.Logger
	outage *outage
	ctx    context.Context //nolint:containedctx // the library's logger has none
}

// say logs a complaint at level, or below everything if Redis is away.
func (l logger) say(level slog.Level, args []any) {
	if l.outage.suspect(l.ctx) {
		level = slog.LevelDebug
	}
	l.to.Log(l.ctx, level, "The queue's library says something.", "asynq", fmt.Sprint(args...))
}

func (l logger) Debug(args ...any) {
	l.to.Debug("The queue's library says something.", "asynq", fmt.Sprint(args...))
}

func (l logger) Info(args ...any) {
	l.to.Info("The queue's library says something.", "asynq", fmt.Sprint(args...))
}

func (l logger) Warn(args ...any)  { l.say(slog.LevelWarn, args) }
func (l logger) Error(args ...any) { l.say(slog.LevelError, args) }
func (l logger) Fatal(args ...any) { l.say(slog.LevelError, args) }
