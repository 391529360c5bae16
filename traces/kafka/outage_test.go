package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/cohort-rl/cohort/traces"
)

// lines is a log that is safe to read while it is written.
type lines struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestOutageOfKafkaIsSaidOnceAndItsEndToo(t *testing.T) {
	t.Parallel()
	c, log := cluster(t, kfake.SeedTopics(1, "t"))
	said := &lines{}
	var weather atomic.Int64
	log.Observe(slog.New(slog.NewTextHandler(said, nil)), func() { weather.Add(1) })
	if err := log.Ping(within(t, deadline)); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(within(t, deadline), "t", 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	port := portOf(t, c.ListenAddrs()[0])
	c.Close()
	if err := log.Ping(within(t, deadline)); err == nil {
		t.Error("a closed cluster answers")
	}
	ended, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	// What the client could not ask for is not gone.
	if _, err := log.Append(ended, "t", 0, []byte("x")); err == nil || errors.Is(err, traces.ErrGone) {
		t.Errorf("of a closed cluster it says: %v", err)
	}
	again, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.SeedTopics(1, "t"))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := log.Append(within(t, deadline), "t", 0, []byte("x")); err != nil {
		t.Fatal(err)
	}
	text := said.String()
	for _, once := range []string{"Kafka does not answer", "Kafka answers again"} {
		if strings.Count(text, once) != 1 {
			t.Errorf("%q is not said once:\n%s", once, text)
		}
	}
	if weather.Load() == 0 {
		t.Error("no weather was counted")
	}
}
