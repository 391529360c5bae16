package embedded_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/embedded"
)

func startRedis(t *testing.T) *embedded.Redis {
	t.Helper()
	server, err := embedded.StartRedis(t.Context(), embedded.RedisConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func redisClient(t *testing.T, server *embedded.Redis) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { client.Close() })
	return client
}

func TestKeyExpiresByTheClockAlone(t *testing.T) {
	t.Parallel()
	client := redisClient(t, startRedis(t))
	const life = 400 * time.Millisecond
	begin := time.Now()
	if err := client.Set(t.Context(), "lease", "driver", life).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.Set(t.Context(), "kept", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		err := client.Get(ctx, "lease").Err()
		if errors.Is(err, redis.Nil) {
			break
		}
		if err != nil {
			t.Fatalf("key is still there after %v: %v", time.Since(begin), err)
		}
	}
	if passed := time.Since(begin); passed < life-100*time.Millisecond {
		t.Errorf("a key that lives %v expired after %v", life, passed)
	}
	if err := client.Get(t.Context(), "kept").Err(); err != nil {
		t.Errorf("key without a lifetime: %v", err)
	}
}

func TestAsynqTaskRunsOnEmbeddedRedis(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	opt := asynq.RedisClientOpt{Addr: server.Addr()}
	client := asynq.NewClient(opt)
	defer client.Close()

	done := make(chan string, 1)
	worker := asynq.NewServer(opt, asynq.Config{
		Concurrency:       1,
		TaskCheckInterval: 5 * time.Millisecond,
		LogLevel:          asynq.FatalLevel,
	})
	err := worker.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		done <- string(task.Payload())
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Shutdown()

	if _, err := client.EnqueueContext(t.Context(), asynq.NewTask("shard", []byte("key"))); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-done:
		if got != "key" {
			t.Errorf("payload is %q", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("task was not run within 10 s")
	}
}

func TestClosedRedisFreesItsPort(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	port := portOf(t, server.Addr())
	if _, err := embedded.StartRedis(t.Context(), embedded.RedisConfig{Port: port}); err == nil {
		t.Fatal("a second server started on the same port")
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := embedded.StartRedis(t.Context(), embedded.RedisConfig{Port: port})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPortOutOfRangeIsRefused(t *testing.T) {
	t.Parallel()
	for _, port := range []int{-1, 65536} {
		if _, err := embedded.StartRedis(t.Context(), embedded.RedisConfig{Port: port}); err == nil {
			t.Errorf("redis took port %d", port)
		}
		if _, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{Port: port, Dir: t.TempDir()}); err == nil {
			t.Errorf("kafka took port %d", port)
		}
	}
}
