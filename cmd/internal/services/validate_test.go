package services_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/telemetry"
)

func TestWrongSettingIsNamedWithTheRemedy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*services.Config)
		want   []string
	}{
		"no port":            {func(c *services.Config) { c.Redis = []string{"redis"} }, []string{"--redis", `"redis"`, "HOST:PORT"}},
		"wrong port":         {func(c *services.Config) { c.Redis = []string{"redis:70000"} }, []string{"--redis", `port "70000"`}},
		"other scheme":       {func(c *services.Config) { c.Redis = []string{"http://redis:1"} }, []string{"--redis", "redis://HOST:PORT/DB or rediss://"}},
		"options in the URL": {func(c *services.Config) { c.Redis = []string{"redis://redis:1?password=" + password} }, []string{"--redis"}},
		"login in the URL":   {func(c *services.Config) { c.Redis = []string{"redis://:" + password + "@redis:1"} }, []string{"--redis", "take them out", "--redis-password"}},
		"login without URL":  {func(c *services.Config) { c.Redis = []string{"user:" + password + "@redis:1"} }, []string{"--redis", "take them out"}},
		"no database":        {func(c *services.Config) { c.Redis = []string{"redis://redis:1/x"} }, []string{"--redis", `database "x"`}},
		"two databases":      {func(c *services.Config) { c.Redis, c.RedisDB = []string{"redis://redis:1/2"}, 3 }, []string{"--redis", "--redis-db 3"}},
		"database below 0":   {func(c *services.Config) { c.RedisDB = -1 }, []string{"--redis-db -1"}},
		"several, no master": {func(c *services.Config) { c.Redis = []string{"a:1", "b:2"} }, []string{"--redis", "--redis-sentinel-master"}},
		"TLS and not":        {func(c *services.Config) { c.Redis, c.RedisSentinelMaster = []string{"rediss://a:1", "b:2"}, "m" }, []string{"--redis", "rediss://"}},
		"no Redis":           {func(c *services.Config) { c.Redis = nil }, []string{"--redis"}},
		"two passwords":      {func(c *services.Config) { c.RedisPassword, c.RedisPasswordFile = password, "x" }, []string{"--redis-password and --redis-password-file"}},
		"user alone":         {func(c *services.Config) { c.RedisUser = "x" }, []string{"--redis-user", "--redis-password"}},
		"no broker":          {func(c *services.Config) { c.Kafka = nil }, []string{"--kafka"}},
		"wrong broker":       {func(c *services.Config) { c.Kafka = []string{"a:1", "b"} }, []string{"--kafka", `"b"`, "HOST:PORT"}},
		"other mechanism":    {func(c *services.Config) { c.KafkaSecurity.SASL = "gssapi" }, []string{"--kafka-sasl", `"gssapi"`, "scram-sha-512"}},
		"no mechanism":       {func(c *services.Config) { c.KafkaSecurity.User = "x" }, []string{"--kafka-sasl"}},
		"no user":            {func(c *services.Config) { c.KafkaSecurity = telemetry.Security{SASL: "plain", Password: password} }, []string{"--kafka-user"}},
		"no password":        {func(c *services.Config) { c.KafkaSecurity = telemetry.Security{SASL: "plain", User: "x"} }, []string{"--kafka-password"}},
		"key without secret": {func(c *services.Config) { c.StoreAccess.Key = "x" }, []string{"--store-access-key", "--store-secret-key"}},
		"secret without key": {func(c *services.Config) { c.StoreAccess.Secret = password }, []string{"--store-access-key"}},
		"two secret keys": {func(c *services.Config) {
			c.StoreAccess.Key, c.StoreAccess.Secret, c.StoreAccess.SecretFile = "x", password, "y"
		}, []string{"--store-secret-key and --store-secret-key-file"}},
		"wait": {func(c *services.Config) { c.Wait = 2 * time.Hour }, []string{"--wait 2h0m0s", "1h"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := services.Config{Redis: []string{"redis:1"}, Kafka: []string{"kafka:1"}, Store: "file:///x"}
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
			test.change(&c)
			err := c.Validate()
			if err == nil {
				t.Fatal("it is let through")
			}
			says(t, err.Error(), test.want...)
			if strings.Contains(err.Error(), password) {
				t.Errorf("a secret is told: %v", err)
			}
		})
	}
}

func TestFileThatCannotBeReadIsNamedWithItsFlag(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*services.Config){
		"--redis-password-file":   func(c *services.Config) { c.RedisPasswordFile = "/nowhere" },
		"--redis-ca":              func(c *services.Config) { c.RedisCA = "/nowhere" },
		"--kafka-ca":              func(c *services.Config) { c.KafkaSecurity.CA = "/nowhere" },
		"--store-secret-key-file": func(c *services.Config) { c.StoreAccess.Key, c.StoreAccess.SecretFile = "x", "/nowhere" },
		"--kafka-password-file": func(c *services.Config) {
			c.KafkaSecurity = telemetry.Security{SASL: "plain", User: "x", PasswordFile: "/nowhere"}
		},
	} {
		c := services.Config{Redis: []string{"redis:1"}, Kafka: []string{"kafka:1"}, Store: "file://" + t.TempDir(), Wait: time.Hour}
		change(&c)
		says(t, refused(t, c), want, "/nowhere")
	}
}
