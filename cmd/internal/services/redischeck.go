package services

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// The oldest Redis that has the commands that asynq sends.
const (
	redisMajor = 6
	redisMinor = 2
)

// CheckRedis asks Redis once: does it answer, let us in, is it a master, and new
// enough? It returns the version, empty where Redis tells none, as the embedded
// one does. Errors are *Fault.
func (c Config) CheckRedis(ctx context.Context, client redis.UniversalClient) (version string, err error) {
	if err := client.Ping(ctx).Err(); err != nil {
		return "", c.redisFault(err)
	}
	info, err := client.Info(ctx, "server").Result()
	if err != nil {
		// Whoever may not ask, or asks what does not know, is let through: asynq
		// says later what is missing.
		if untold(err) {
			return "", nil
		}
		return "", c.redisFault(err)
	}
	version = versionIn(info)
	if version != "" && !newEnough(version) {
		return version, &Fault{
			What:   fmt.Sprintf("Redis at %s is version %s, and Cohort needs %d.%d or newer", c.redisName(), version, redisMajor, redisMinor),
			Remedy: "upgrade it, or name another with --redis", Lasting: true,
		}
	}
	return version, nil
}

// untold reports whether Redis refuses to tell its version.
func untold(err error) bool {
	text := err.Error()
	return strings.Contains(text, "is not supported") || strings.HasPrefix(text, "NOPERM")
}

func versionIn(info string) string {
	for line := range strings.Lines(info) {
		if version, ok := strings.CutPrefix(line, "redis_version:"); ok {
			return strings.TrimSpace(version)
		}
	}
	return ""
}

// newEnough reports whether a version is at least the oldest that works. What
// cannot be read is let through.
func newEnough(version string) bool {
	parts := regexp.MustCompile(`^(\d{1,6})\.(\d{1,6})`).FindStringSubmatch(version)
	if parts == nil {
		return true
	}
	major, _ := strconv.Atoi(parts[1]) // Only digits are left.
	minor, _ := strconv.Atoi(parts[2])
	return major > redisMajor || major == redisMajor && minor >= redisMinor
}

// redisName is where Redis is, for people. It holds no password.
func (c Config) redisName() string {
	p, err := c.redisPlace()
	if err != nil {
		return "an unknown address"
	}
	return strings.Join(p.names(), ", ")
}

// redisFault says what an error of Redis or its connection means.
func (c Config) redisFault(err error) *Fault {
	f := &Fault{What: "Redis at " + c.redisName(), Err: err, Lasting: true}
	text := err.Error()
	if said, ok := errors.AsType[redis.Error](err); ok {
		text = said.Error()
	}
	switch {
	case strings.HasPrefix(text, "WRONGPASS"), strings.HasPrefix(text, "NOAUTH"), strings.Contains(text, "AUTH failed"),
		strings.Contains(text, "called without any password"), strings.Contains(text, "invalid password"):
		f.What += " refuses the login"
		f.Remedy = "check --redis-user and --redis-password or --redis-password-file"
	case strings.HasPrefix(text, "NOPERM"):
		f.What += " refuses a command"
		f.Remedy = "let the user of --redis-user run every command on the keys cohort-* and asynq:* and on the channels asynq:*"
	case strings.Contains(text, "DB index is out of range"), strings.Contains(text, "invalid DB index"):
		f.What += " has no such database"
		f.Remedy = "give a smaller --redis-db"
	case strings.HasPrefix(text, "READONLY"):
		f.What += " is a replica"
		f.Remedy = "name its master with --redis, or its Sentinels with --redis-sentinel-master too"
	case strings.Contains(text, "No such master") || strings.Contains(text, "IDONTKNOW"):
		f.What += " knows no such master"
		f.Remedy = "check --redis-sentinel-master"
	case untrusted(err):
		f.What += " shows a certificate that is not trusted"
		f.Remedy = "name the file of its authority with --redis-ca, and the host by the name in the certificate"
	case speaksPlain(err):
		f.What += " does not speak TLS"
		f.Remedy = "write redis:// in place of rediss:// in --redis, and take --redis-ca away"
	default:
		f.What += " does not answer"
		f.Remedy = "start it, or name another with --redis; if it speaks TLS, write rediss://HOST:PORT"
		f.Lasting = false
	}
	return f
}
