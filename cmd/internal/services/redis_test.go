package services_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/cohort-rl/cohort/trust/trusttest"
)

func TestSecuredRedisLetsInWhoHasUserPasswordAndAuthority(t *testing.T) {
	t.Parallel()
	settings, ca := trusttest.Server(t)
	redis, err := miniredis.RunTLS(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(redis.Close)
	redis.RequireUserAuth("cohort", password)
	c := whole(t)
	c.Redis = []string{"rediss://" + redis.Addr() + "/3"}
	c.RedisCA, c.RedisUser, c.RedisPasswordFile = ca, "cohort", secretFile(t)
	connected(t, c)
	if keys := redis.DB(3).Keys(); len(keys) != 1 {
		t.Errorf("database 3 holds %v, want the deployment's token", keys)
	}

	wrong := c
	wrong.RedisPasswordFile, wrong.RedisPassword = "", "wrong"
	says(t, refused(t, wrong), "Redis at "+redis.Addr()+"/3 refuses the login", "WRONGPASS", "--redis-password")

	stranger := c
	stranger.RedisCA = ""
	says(t, refused(t, stranger), "certificate that is not trusted", "--redis-ca")
}

func TestRedisIsRefusedAtOnceWithTheRemedy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer map[string]string // to commands
		want   []string
	}{
		"too old":     {map[string]string{"INFO": "# Server\r\nredis_version:5.0.14\r\nredis_mode:standalone\r\n"}, []string{"is version 5.0.14, and Cohort needs 6.2 or newer", "upgrade it", "--redis"}},
		"no password": {map[string]string{"PING": "-NOAUTH Authentication required."}, []string{"refuses the login", "NOAUTH", "--redis-user and --redis-password"}},
		"no right":    {map[string]string{"PING": "-NOPERM this user has no permissions to run the 'ping' command"}, []string{"refuses a command", "cohort-* and asynq:*"}},
		"replica":     {map[string]string{"SETNX": "-READONLY You can't write against a read only replica."}, []string{"is a replica", "master", "--redis"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := miniredis.RunT(t)
			answer(redis, test.answer)
			c := whole(t)
			c.Redis = []string{redis.Addr()}
			c.Wait = time.Hour // it must not be waited for
			says(t, refused(t, c), append(test.want, "Redis at "+redis.Addr())...)
		})
	}
}

// answer makes Redis answer some commands so: an error, or a text.
func answer(redis *miniredis.Miniredis, answers map[string]string) {
	redis.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		text, ok := answers[command]
		switch {
		case !ok:
			return false
		case text[0] == '-':
			p.WriteError(text[1:])
		default:
			p.WriteBulk(text)
		}
		return true
	})
}

func TestNewEnoughRedisIsLetIn(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"6.2.0", "7.0.15", "10.0.1", "unstable", "255.255.255"} {
		redis := miniredis.RunT(t)
		answer(redis, map[string]string{"INFO": "# Server\r\nredis_version:" + version + "\r\n"})
		c := whole(t)
		c.Redis = []string{redis.Addr()}
		connected(t, c)
	}
}

func TestRedisThatStartsLaterIsWaitedFor(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	var asked atomic.Int32
	redis.Server().SetPreHook(func(p *server.Peer, command string, _ ...string) bool {
		if command != "PING" || asked.Add(1) > 12 { // the client itself asks a few times
			return false
		}
		p.WriteError("LOADING Redis is loading the dataset in memory")
		return true
	})
	c := whole(t)
	c.Redis = []string{redis.Addr()}
	c.Wait = time.Minute
	says(t, connected(t, c), "Waiting for a service", "service=Redis", "LOADING", "for=1m0s")
}
