package embedded

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// RedisConfig says where an embedded Redis listens.
type RedisConfig struct {
	Port int // on loopback; 0 takes a free one
}

// Redis is a Redis server in memory. Nothing of it outlives Close.
type Redis struct {
	server *miniredis.Miniredis
	addr   string
	stop   func()
}

// ageEvery is how often keys lose lifetime. The server's own clock mode walks
// every key that can expire at each command (0.4 ms with 1,000 such keys), a
// tick does so ten times a second.
const ageEvery = 100 * time.Millisecond

// StartRedis starts a server and returns once it listens. A key expires by the
// process's clock, at most a tenth of a second early or late. Close ends the
// server; ctx bounds the start alone.
func StartRedis(ctx context.Context, cfg RedisConfig) (*Redis, error) {
	addr, err := loopback(cfg.Port)
	if err != nil {
		return nil, fmt.Errorf("start embedded redis: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start embedded redis: %w", err)
	}
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(addr); err != nil {
		return nil, fmt.Errorf("start embedded redis: %w", err)
	}
	r := &Redis{server: server, addr: server.Addr()}
	quit, aged := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(aged)
		r.age(quit)
	}()
	r.stop = sync.OnceFunc(func() {
		close(quit)
		<-aged
		server.Close()
	})
	return r, nil
}

// Addr returns host:port, as a client of Redis takes it.
func (r *Redis) Addr() string { return r.addr }

// Close ends every connection and waits for the server's goroutines. What was
// stored is gone. It may be called more than once.
func (r *Redis) Close() error {
	r.stop()
	return nil
}

// age takes from every lifetime what has passed since the last tick, however
// late the tick comes, until quit is closed.
func (r *Redis) age(quit <-chan struct{}) {
	ticker := time.NewTicker(ageEvery)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-quit:
			return
		case <-ticker.C:
			now := time.Now()
			r.server.FastForward(now.Sub(last))
			last = now
		}
	}
}
