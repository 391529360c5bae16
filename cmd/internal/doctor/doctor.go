// Package doctor looks at everything that Cohort runs on and says what is wrong
// with it and what to do. It changes nothing: what a check has to write it
// removes again.
package doctor

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/cmd/internal/services"
	"github.com/cohort-rl/cohort/deployment"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// Status is what came of a check.
type Status string

// The statuses. A warning is something that may be meant so.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Fail    Status = "FAIL"
	Skipped Status = "skipped"
)

// Finding is what one check found.
type Finding struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Found  string `json:"found"`
	Remedy string `json:"remedy,omitempty"` // what to do; empty where nothing is
}

// Config is what is looked at.
type Config struct {
	// Services are the settings of the daemons. Its Wait bounds each check.
	Services services.Config
	// Server is a client of the coordinator at Address. Default says that nobody
	// named the address, so that it is no fault if nothing answers there.
	Server  *api.Client
	Address string
	Default bool
	// Nonce returns 128 random bits in hexadecimal.
	Nonce func() string
	Now   func() time.Time
	// Version and Numerics are those of this program.
	Version, Numerics string
}

// Names of the checks that others need.
const (
	checkStore      = "store"
	checkDeployment = "deployment"
	checkRedis      = "redis"
	checkKafka      = "kafka"
	checkServer     = "coordinator"
)

// check is one look.
type check struct {
	name  string
	needs []string // checks without whose success this one tells nothing
	look  func(context.Context) Finding
}

// patient is what is looked at, as far as it was found.
type patient struct {
	Config
	store      blob.Bucket
	redis      redis.UniversalClient
	log        *kafka.Log
	deployment deployment.Deployment
	found      bool // the store holds a deployment
	cluster    kafka.Cluster
	unopened   error // why there is no store
}

func (p *patient) checks() []check {
	return []check{
		{checkStore, nil, p.reachStore},
		{"store: conditional writes", []string{checkStore}, p.probeStore},
		{checkDeployment, []string{checkStore}, p.readDeployment},
		{checkRedis, nil, p.reachRedis},
		{"redis: writes", []string{checkRedis}, p.writeRedis},
		{"redis: eviction", []string{checkRedis}, p.eviction},
		{checkKafka, nil, p.reachKafka},
		{"kafka: create topics", []string{checkKafka}, p.createTopics},
		{"kafka: topics of jobs", []string{checkKafka, checkDeployment}, p.topics},
		{"binding", []string{checkDeployment, checkRedis, checkKafka}, p.binding},
		{checkServer, nil, p.reachServer},
		{"workers", []string{checkServer}, p.workers},
		{"clocks", nil, p.clocks},
	}
}

// Run makes the checks one after the other and hands each finding to tell as
// soon as it is there. It returns all of them, and the error of ctx.
func Run(ctx context.Context, c Config, tell func(Finding)) (all []Finding, err error) {
	p := &patient{Config: c}
	defer p.close()
	opening, cancel := context.WithCancel(ctx) // the store's connections end with it
	defer cancel()
	p.store, p.unopened = c.Services.OpenStoreAsItIs(opening)
	good := map[string]bool{}
	for _, check := range p.checks() {
		if ctx.Err() != nil {
			return all, context.Cause(ctx)
		}
		finding := p.make(ctx, check, good)
		finding.Check = check.name
		good[check.name] = finding.Status == OK || finding.Status == Warning
		all = append(all, finding)
		tell(finding)
	}
	return all, nil
}

// make makes one check, in its time.
func (p *patient) make(ctx context.Context, c check, good map[string]bool) Finding {
	for _, need := range c.needs {
		if !good[need] {
			return Finding{Status: Skipped, Found: "needs the check " + need}
		}
	}
	limited, cancel := context.WithTimeout(ctx, p.Services.Wait)
	defer cancel()
	return c.look(limited)
}

// close closes what was opened.
func (p *patient) close() {
	if p.log != nil {
		p.log.Close()
	}
	if p.redis != nil {
		if err := p.redis.Close(); err != nil {
			slog.Debug("Redis could not be closed.", "error", err)
		}
	}
}

// failed is the finding of an error. A fault names its own remedy.
func failed(err error) Finding {
	if f, ok := errors.AsType[*services.Fault](err); ok {
		found := f.What
		if f.Err != nil {
			found += ": " + f.Err.Error()
		}
		return Finding{Status: Fail, Found: found, Remedy: f.Remedy}
	}
	return Finding{Status: Fail, Found: err.Error()}
}

func ok(found string) Finding { return Finding{Status: OK, Found: found} }

// Failed says whether one of the checks did.
func Failed(all []Finding) bool {
	return slices.ContainsFunc(all, func(f Finding) bool { return f.Status == Fail })
}
