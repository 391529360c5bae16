package endtoend_test

import (
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/embedded"
)

// cluster is Cohort as processes of its own, on Redis and Kafka in the test's.
type cluster struct {
	redis *embedded.Redis
	kafka *embedded.Kafka
	store string // URL, as the processes see it
	env   []string

	coordinators, workers []*process
}

// startCluster starts the processes, and waits until all of them are ready.
func startCluster(t *testing.T, store string, env []string, coordinators, workers int) *cluster {
	t.Helper()
	c := &cluster{store: store, env: env}
	var err error
	if c.kafka, err = embedded.StartKafka(t.Context(), embedded.KafkaConfig{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.kafka.Close() })
	c.startRedis(t, 0)
	for n := range coordinators {
		c.coordinators = append(c.coordinators, c.launch(t, "coordinator", n, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--lease", "1s", "--rescan", "200ms"))
	}
	for n := range workers {
		c.startWorker(t, n)
	}
	for _, p := range c.coordinators {
		p.said(t, "Coordinator is ready.", "api")
	}
	for _, p := range c.workers {
		p.said(t, "Worker is ready.", "policies")
	}
	return c
}

func (c *cluster) startWorker(t *testing.T, n int) {
	t.Helper()
	c.workers = append(c.workers, c.launch(t, "worker", n, "--grace", "1s", "--check", "50ms"))
}

func (c *cluster) startRedis(t *testing.T, port int) {
	t.Helper()
	var err error
	if c.redis, err = embedded.StartRedis(t.Context(), embedded.RedisConfig{Port: port}); err != nil {
		t.Fatal(err)
	}
	redis := c.redis
	t.Cleanup(func() { _ = redis.Close() })
}

// loseRedis restarts Redis where it was; all that it held is gone.
func (c *cluster) loseRedis(t *testing.T) {
	t.Helper()
	_, text, err := net.SplitHostPort(c.redis.Addr())
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.redis.Close(); err != nil {
		t.Fatal(err)
	}
	c.startRedis(t, port)
}

func (c *cluster) launch(t *testing.T, name string, n int, flags ...string) *process {
	t.Helper()
	p := launch(t, name, c.env, append([]string{
		"--redis", c.redis.Addr(), "--kafka", c.kafka.Addr(), "--store", c.store,
		"--name", fmt.Sprintf("%s-%d", name, n), "--log-format", "json",
	}, flags...)...)
	p.name = fmt.Sprintf("%s %d", name, n)
	return p
}

// client talks to coordinator n.
func (c *cluster) client(t *testing.T, n int) *api.Client {
	t.Helper()
	return newClient(t, c.coordinators[n].said(t, "Coordinator is ready.", "api"))
}
