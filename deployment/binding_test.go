package deployment_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/blobtest"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// site is a bucket with a deployment and a Redis.
type site struct {
	bucket     blob.Bucket
	deployment deployment.Deployment
	server     *miniredis.Miniredis
	found      deployment.Found
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{bucket: mem.New(), server: miniredis.RunT(t)}
	var err error
	if s.deployment, err = deployment.Join(t.Context(), s.bucket, strings.Repeat("a1", 16)); err != nil {
		t.Fatal(err)
	}
	s.found = deployment.Found{
		Redis: client(t, s.server), RedisAddresses: []string{"redis-a:6379"},
		KafkaAddresses: []string{"kafka-a:9092"}, KafkaCluster: "cluster-a",
	}
	return s
}

func client(t *testing.T, server *miniredis.Miniredis) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (s *site) bind(t *testing.T, moved bool) ([]string, error) {
	t.Helper()
	return s.deployment.Bind(t.Context(), s.bucket, s.found, moved, "token of "+s.server.Addr())
}

func (s *site) bound(t *testing.T) deployment.Binding {
	t.Helper()
	b, err := deployment.Bound(t.Context(), s.bucket)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// moveRedis puts the site on another, empty Redis.
func (s *site) moveRedis(t *testing.T, address string) {
	t.Helper()
	s.server = miniredis.RunT(t)
	s.found.Redis, s.found.RedisAddresses = client(t, s.server), []string{address}
}

func TestFirstStartBindsAndTheNextFindsIt(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, err := deployment.Bound(t.Context(), s.bucket); !errors.Is(err, blob.ErrNotFound) {
		t.Fatalf("bound before the first start: %v", err)
	}
	for range 2 {
		if why, err := s.bind(t, false); err != nil || len(why) != 0 {
			t.Fatalf("%v, %v", why, err)
		}
	}
	b := s.bound(t)
	token, err := s.server.Get(string(s.deployment.RedisPrefix()) + ":token")
	if err != nil || token != b.Redis.ID || b.Kafka.ID != "cluster-a" {
		t.Errorf("%+v, in Redis lies %q, %v", b, token, err)
	}
}

func TestSameRedisUnderAnotherNameIsTheSame(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, err := s.bind(t, false); err != nil {
		t.Fatal(err)
	}
	s.found.RedisAddresses, s.found.KafkaAddresses = []string{"redis-b:6379"}, []string{"kafka-b:9092"}
	if why, err := s.bind(t, false); err != nil || len(why) != 0 {
		t.Fatalf("%v, %v", why, err)
	}
	// Data lost under either name is no move.
	s.server.FlushAll()
	s.found.RedisAddresses = []string{"redis-a:6379"}
	if why, err := s.bind(t, false); err != nil || len(why) != 1 {
		t.Errorf("%v, %v", why, err)
	}
}

func TestRedisThatLostItsDataIsBoundAnew(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*site){
		"missing":   func(s *site) { s.server.FlushAll() },
		"different": func(s *site) { _ = s.server.Set(string(s.deployment.RedisPrefix())+":token", "from a backup") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			if _, err := s.bind(t, false); err != nil {
				t.Fatal(err)
			}
			before := s.bound(t).Redis.ID
			lose(s)
			why, err := s.deployment.Bind(t.Context(), s.bucket, s.found, false, "another")
			if err != nil || len(why) != 1 || !strings.Contains(why[0], "redis-a:6379 has lost its data") {
				t.Fatalf("%v, %v", why, err)
			}
			if after := s.bound(t).Redis.ID; after == before || after == "" {
				t.Errorf("bound to %q, before to %q", after, before)
			}
			if why, err := s.bind(t, false); err != nil || len(why) != 0 {
				t.Errorf("the next start: %v, %v", why, err)
			}
		})
	}
}

func TestBucketOfAnotherRedisIsRefusedUntilItHasMoved(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, err := s.bind(t, false); err != nil {
		t.Fatal(err)
	}
	s.moveRedis(t, "redis-b:6379")
	for range 2 {
		_, err := s.bind(t, false)
		elsewhere, ok := errors.AsType[*deployment.Elsewhere](err)
		if !ok || elsewhere.Service != "Redis" || !strings.Contains(err.Error(), "on Redis at redis-a:6379") || !strings.Contains(err.Error(), "redis-b:6379") {
			t.Fatalf("error is %v", err)
		}
	}
	if keys := s.server.Keys(); len(keys) != 0 {
		t.Errorf("the refused Redis holds %v", keys)
	}
	if why, err := s.bind(t, true); err != nil || len(why) != 1 {
		t.Fatalf("%v, %v", why, err)
	}
	if why, err := s.bind(t, false); err != nil || len(why) != 0 {
		t.Errorf("after it moved: %v, %v", why, err)
	}
}

func TestBucketOfAnotherKafkaIsRefusedUntilItHasMoved(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, err := s.bind(t, false); err != nil {
		t.Fatal(err)
	}
	s.found.KafkaCluster, s.found.KafkaAddresses = "cluster-b", []string{"kafka-b:9092"}
	_, err := s.bind(t, false)
	if elsewhere, ok := errors.AsType[*deployment.Elsewhere](err); !ok || elsewhere.Service != "Kafka" {
		t.Fatalf("error is %v", err)
	}
	if why, err := s.bind(t, true); err != nil || len(why) != 1 || !strings.Contains(why[0], "moved to Kafka at kafka-b:9092") {
		t.Fatalf("%v, %v", why, err)
	}
	// The same address with another id is a cluster that was set up anew.
	s.found.KafkaCluster = "cluster-c"
	if why, err := s.bind(t, false); err != nil || len(why) != 1 || s.bound(t).Kafka.ID != "cluster-c" {
		t.Fatalf("%v, %v", why, err)
	}
}

func TestKafkaWithoutIDIsTakenAtItsWord(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.found.KafkaCluster = ""
	if _, err := s.bind(t, false); err != nil {
		t.Fatal(err)
	}
	s.found.KafkaCluster = "cluster-b"
	if why, err := s.bind(t, false); err != nil || len(why) != 0 || s.bound(t).Kafka.ID != "cluster-b" {
		t.Fatalf("%v, %v", why, err)
	}
}

func TestThoseWhoBindAtOnceAgree(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const many = 16
	for round := range 3 {
		errs := make([]error, many)
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				_, errs[i] = s.deployment.Bind(t.Context(), s.bucket, s.found, false, fmt.Sprint(round, i))
			})
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if token, err := s.server.Get(string(s.deployment.RedisPrefix()) + ":token"); err != nil || token != s.bound(t).Redis.ID {
			t.Fatalf("bound to %+v, in Redis lies %q, %v", s.bound(t), token, err)
		}
		s.server.FlushAll()
	}
}

func TestLostAnswerToABindIsReadBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	lost := 1
	s.bucket = blobtest.NewFaulty(s.bucket, func(op, _ string) blobtest.Fault {
		if op == "put" && lost > 0 {
			lost--
			return blobtest.Fault{After: fmt.Errorf("reset: %w", blob.ErrAmbiguous)}
		}
		return blobtest.Fault{}
	})
	if why, err := s.bind(t, false); err != nil || len(why) != 0 {
		t.Fatalf("%v, %v", why, err)
	}
	if s.bound(t).Redis.ID == "" {
		t.Error("bound to no token")
	}
}

func TestAddressesAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range 40 {
		s.found.RedisAddresses = []string{fmt.Sprintf("redis-%d:6379", i)}
		if _, err := s.bind(t, false); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.bound(t).Redis.Addresses; len(got) != 16 || got[15] != "redis-39:6379" {
		t.Errorf("%d addresses, the last %s", len(got), got[len(got)-1])
	}
}

func TestBindingOfAnotherFormatIsNotReplaced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	newer := deployment.Binding{Format: "cohort.binding/2"}
	if err := records.Overwrite(t.Context(), s.bucket, job.BindingKey, newer); err != nil {
		t.Fatal(err)
	}
	if _, err := s.bind(t, true); err == nil || !strings.Contains(err.Error(), "cohort.binding/2") {
		t.Errorf("error is %v", err)
	}
}

func TestRedisThatFailsIsNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.server.SetError("READONLY You can't write against a read only replica.")
	if _, err := s.bind(t, false); !errors.Is(err, deployment.ErrToken) {
		t.Errorf("error is %v", err)
	}
}
