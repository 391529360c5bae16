package services_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/cmd/internal/services/servicestest"
)

func TestServiceThatNeverAnswersIsNamedWithFlagAndRemedy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*services.Config)
		want   []string
	}{
		"Redis": {
			func(c *services.Config) { c.Redis = []string{"127.0.0.1:1"} },
			[]string{"Redis at 127.0.0.1:1 does not answer within 5s", "connection refused", "start it, or name another with --redis"},
		},
		"Sentinel": {
			func(c *services.Config) {
				c.Redis, c.RedisSentinelMaster = []string{"127.0.0.1:1", "127.0.0.1:2"}, "main"
			},
			[]string{"Redis at sentinel 127.0.0.1:1/main, sentinel 127.0.0.1:2/main does not answer within 5s", "--redis"},
		},
		"Kafka": {
			func(c *services.Config) { c.Kafka = []string{"127.0.0.1:1", "127.0.0.1:2"} },
			[]string{"Kafka at 127.0.0.1:1, 127.0.0.1:2 does not answer within 5s", "connection refused", "start it, or name another with --kafka"},
		},
		"store": {
			func(c *services.Config) {
				c.Store, c.StoreAccess.Key, c.StoreAccess.Secret = "s3://traces?endpoint=http://127.0.0.1:1", "key", password
			},
			[]string{"the store s3://traces?endpoint=http://127.0.0.1:1 does not answer within 5s", "connection refused", "start it, or name another with --store"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := whole(t)
			c.Wait = 5 * time.Second
			test.change(&c)
			says(t, refused(t, c), test.want...)
		})
	}
}

func TestEndOfTheContextEndsTheWait(t *testing.T) {
	t.Parallel()
	c := whole(t)
	c.Redis, c.Wait = []string{"127.0.0.1:1"}, time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := c.Connect(ctx, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("it connected to nothing")
	}
}

func TestTwoThatStartAtOnceShareTheDeployment(t *testing.T) {
	t.Parallel()
	c := whole(t)
	const many = 4
	found, errs := make([]*services.Connections, many), make([]error, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() { found[i], errs[i] = c.Connect(t.Context(), slog.New(slog.DiscardHandler)) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, one := range found {
		if one.Deployment != found[0].Deployment {
			t.Errorf("deployments %v and %v", one.Deployment, found[0].Deployment)
		}
		if err := one.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestBucketOfAnotherDeploymentIsRefusedUnlessItMoved(t *testing.T) {
	t.Parallel()
	c := whole(t)
	c.Kafka = []string{servicestest.Kafka(t, kfake.ClusterID("first"))}
	connected(t, c)

	redis := c
	redis.Redis = []string{miniredis.RunT(t).Addr()}
	says(t, refused(t, redis), "--store "+c.Store, "belongs to a deployment on Redis at "+c.Redis[0], redis.Redis[0], "name another --store", "--rebind")

	kafka := c
	kafka.Kafka = []string{servicestest.Kafka(t, kfake.ClusterID("second"))}
	says(t, refused(t, kafka), "belongs to a deployment on Kafka at "+c.Kafka[0], kafka.Kafka[0], "--kafka", "--rebind")

	kafka.Rebind = true
	says(t, connected(t, kafka), "bound to its services anew", "has moved to Kafka at "+kafka.Kafka[0])
	kafka.Rebind = false
	if log := connected(t, kafka); strings.Contains(log, "anew") {
		t.Errorf("bound anew again: %s", log)
	}
	// Who was left behind is refused now.
	says(t, refused(t, c), "belongs to a deployment on Kafka at "+kafka.Kafka[0])
}

func TestRedisThatLostItsDataIsSaid(t *testing.T) {
	t.Parallel()
	c := whole(t)
	redis := miniredis.RunT(t)
	c.Redis = []string{redis.Addr()}
	connected(t, c)
	redis.FlushAll()
	says(t, connected(t, c), "Redis at "+redis.Addr()+" has lost its data")
}
