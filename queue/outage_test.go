package queue_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/embedded"
	"github.com/cohort-rl/cohort/queue"
)

// lines is a log that tells when a text was said in it.
type lines struct {
	mu   sync.Mutex // guards what follows
	text bytes.Buffer
	more chan struct{}
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.more)
	l.more = make(chan struct{})
	return l.text.Write(p)
}

// await waits until text was said, and returns the log.
func (l *lines) await(t *testing.T, text string) string {
	t.Helper()
	patience := time.After(30 * time.Second)
	for {
		l.mu.Lock()
		all, more := l.text.String(), l.more
		l.mu.Unlock()
		if strings.Contains(all, text) {
			return all
		}
		select {
		case <-more:
		case <-patience:
			t.Fatalf("%q was not said:\n%s", text, all)
		}
	}
}

func TestOutageOfRedisIsSaidOnceAndItsEndToo(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartRedis(t.Context(), embedded.RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	r := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer r.Close()
	log := &lines{more: make(chan struct{})}
	s := queue.NewServer(r, prefix, queue.ServerConfig{
		Name: "w", Shards: 1, Check: time.Millisecond, Grace: time.Second, Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	ctx, cancel := context.WithCancel(t.Context())
	taken, done := make(chan queue.Task, 10), make(chan error, 1)
	go func() {
		done <- s.Run(ctx, func(_ context.Context, task queue.Task) error {
			taken <- task
			return nil
		})
	}()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	enqueue(t, queue.NewClient(r, prefix), rollouts(0))
	receive(t, taken)

	_, port, err := net.SplitHostPort(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	log.await(t, "Redis does not answer")
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	if server, err = embedded.StartRedis(t.Context(), embedded.RedisConfig{Port: number}); err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	all := log.await(t, "Redis answers again")
	for _, once := range []string{"Redis does not answer", "Redis answers again"} {
		if n := strings.Count(all, once); n != 1 {
			t.Errorf("%q was said %d times:\n%s", once, n, all)
		}
	}
	if strings.Contains(all, "level=ERROR") {
		t.Errorf("the library's errors were said:\n%s", all)
	}
	enqueue(t, queue.NewClient(r, prefix), rollouts(1))
	receive(t, taken)
}
