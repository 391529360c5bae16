package services

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/trust"
)

// redisPlace is what --redis and its companions say.
type redisPlace struct {
	addresses []string // host:port, several for Sentinels
	master    string   // empty without Sentinel
	tls       bool
	db        int
}

// maxDB bounds the numbers of databases; Redis has 16 unless told otherwise.
const maxDB = 1 << 14

// redisPlace reads the settings. Errors never repeat what may hold a password.
func (c Config) redisPlace() (redisPlace, error) {
	p := redisPlace{master: c.RedisSentinelMaster, db: c.RedisDB, tls: c.RedisCA != ""}
	for i, text := range c.Redis {
		address, secured, db, err := parseRedis(text)
		if err != nil {
			return p, fmt.Errorf("--redis: %w", err)
		}
		if i > 0 && secured != p.tls && c.RedisCA == "" {
			return p, errors.New("--redis names addresses with and without TLS: write rediss:// before all of them or none")
		}
		p.tls = p.tls || secured
		if db >= 0 {
			if c.RedisDB != 0 && c.RedisDB != db {
				return p, fmt.Errorf("--redis names database %d and --redis-db %d: take one away", db, c.RedisDB)
			}
			p.db = db
		}
		p.addresses = append(p.addresses, address)
	}
	switch {
	case len(p.addresses) == 0:
		return p, errors.New("--redis names no address: give HOST:PORT")
	case len(p.addresses) > 1 && p.master == "":
		return p, errors.New("--redis names several addresses: that is for Sentinels, so set --redis-sentinel-master too, or name one address")
	case p.db < 0 || p.db > maxDB:
		return p, fmt.Errorf("--redis-db %d: use 0 to %d", p.db, maxDB)
	}
	return p, nil
}

// parseRedis reads HOST:PORT, redis://HOST:PORT/DB or rediss://HOST:PORT/DB; db
// is -1 where none is named.
func parseRedis(text string) (address string, secured bool, db int, err error) {
	const forms = "use HOST:PORT, redis://HOST:PORT/DB or rediss://HOST:PORT/DB"
	if !strings.Contains(text, "://") {
		if err := checkAddress(text); err != nil {
			if strings.Contains(text, "@") {
				return "", false, 0, errors.New("it holds credentials: take them out and set --redis-user and --redis-password")
			}
			return "", false, 0, fmt.Errorf("%q: %w", text, err)
		}
		return text, false, -1, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", false, 0, errors.New("it is no URL: " + forms)
	case u.User != nil:
		return "", false, 0, errors.New("it holds credentials: take them out and set --redis-user and --redis-password")
	case u.Scheme != "redis" && u.Scheme != "rediss", u.Hostname() == "", u.RawQuery != "", u.Fragment != "":
		return "", false, 0, errors.New(forms)
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	db = -1
	if path := strings.Trim(u.Path, "/"); path != "" {
		if db, err = strconv.Atoi(path); err != nil || db < 0 {
			return "", false, 0, fmt.Errorf("database %q is no number: %s", path, forms)
		}
	}
	address = net.JoinHostPort(u.Hostname(), port)
	return address, u.Scheme == "rediss", db, checkAddress(address)
}

// names tells the place from others, as binding.json and people read it.
func (p redisPlace) names() []string {
	names := slices.Clone(p.addresses)
	for i := range names {
		if p.master != "" {
			names[i] = "sentinel " + names[i] + "/" + p.master
		}
		if p.db != 0 {
			names[i] += "/" + strconv.Itoa(p.db)
		}
	}
	return names
}

// OpenRedis returns a client of Redis that connects when it is used. The caller
// must Close it.
func (c Config) OpenRedis(context.Context) (redis.UniversalClient, error) {
	p, err := c.redisPlace()
	if err != nil {
		return nil, err
	}
	password, err := secret.Choose(c.RedisPassword, c.RedisPasswordFile)
	if err != nil {
		return nil, fmt.Errorf("--redis-password-file: %w", err)
	}
	var secured *tls.Config
	if p.tls {
		if secured, err = trust.Client(c.RedisCA); err != nil {
			return nil, fmt.Errorf("--redis-ca: %w", err)
		}
	}
	if p.master != "" {
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: p.master, SentinelAddrs: p.addresses, ClientName: clientName,
			Username: c.RedisUser, Password: password.Reveal(), DB: p.db, TLSConfig: secured,
			PoolSize: poolSize, MaxIdleConns: idleSize,
		}), nil
	}
	return redis.NewClient(&redis.Options{
		Addr: p.addresses[0], ClientName: clientName,
		Username: c.RedisUser, Password: password.Reveal(), DB: p.db, TLSConfig: secured,
		PoolSize: poolSize, MaxIdleConns: idleSize,
	}), nil
}

// Bounds of the connections to Redis. Each phase that is under way waits for its
// barrier on one of them, so hundreds of jobs need hundreds.
const (
	poolSize = 2048
	idleSize = 64
)

// clientName is what CLIENT LIST shows.
const clientName = "cohort"
