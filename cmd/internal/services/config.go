// Package services opens what Cohort runs on: Redis, Kafka and the object
// store. It knows the settings of each, waits for what does not answer yet,
// refuses what cannot be used with a sentence that names setting and remedy, and
// binds the bucket to its Redis and its Kafka.
package services

import (
	"time"

	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/telemetry"
)

// Secret is text that prints as [redacted], whatever prints it.
type Secret = secret.Text

// Config is where Redis, Kafka and the object store are, and how to be let in.
// kong reads it: flags, COHORT_* in the environment, and the config file.
type Config struct {
	Redis               []string `default:"127.0.0.1:6379" env:"COHORT_REDIS" placeholder:"ADDRESS" group:"Redis" help:"Redis, which carries work; it may lose everything at any time (${default}). HOST:PORT, redis://HOST:PORT/DB, rediss://HOST:PORT/DB for TLS, or several HOST:PORT of Sentinels."`
	RedisSentinelMaster string   `env:"COHORT_REDIS_SENTINEL_MASTER" placeholder:"NAME" group:"Redis" help:"Name of the master that the Sentinels in --redis watch."`
	RedisUser           string   `env:"COHORT_REDIS_USER" placeholder:"NAME" group:"Redis" help:"User of Redis's ACL. Default: Redis's own default user."`
	RedisPassword       Secret   `env:"COHORT_REDIS_PASSWORD" placeholder:"SECRET" group:"Redis" help:"Password of Redis. On a command line others can read it: rather use the environment or a file."`
	RedisPasswordFile   string   `env:"COHORT_REDIS_PASSWORD_FILE" placeholder:"FILE" group:"Redis" help:"File with the password of Redis."`
	RedisCA             string   `name:"redis-ca" env:"COHORT_REDIS_CA" placeholder:"FILE" group:"Redis" help:"PEM file of authorities to trust beside the system's; implies TLS."`
	RedisDB             int      `name:"redis-db" env:"COHORT_REDIS_DB" placeholder:"N" group:"Redis" help:"Number of Redis's database (0)."`

	Kafka []string `default:"127.0.0.1:9092" env:"COHORT_KAFKA" placeholder:"HOST:PORT" group:"Kafka" help:"Brokers of Kafka, which carries what agents record (${default}). Agents are told these addresses."`
	// KafkaSecurity is how to be let in by Kafka: --kafka-sasl and so on.
	KafkaSecurity telemetry.Security `embed:""`

	Store string `required:"" env:"COHORT_STORE" placeholder:"URL" group:"Object store" help:"Object store, which holds everything that must last: file:///DIR or s3://BUCKET/PREFIX?endpoint=URL&region=REGION&style=path|virtual&ca=FILE."`
	// StoreAccess is how to be let in by the store.
	StoreAccess StoreAccess `embed:""`

	Wait   time.Duration `default:"10s" env:"COHORT_WAIT" help:"How long to wait at start for each service that does not answer yet (${default})."`
	Rebind bool          `help:"The deployment has moved to another Redis or Kafka: bind the bucket to the ones that are named now."`
}
