package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// reachStore asks the store for one object.
func (p *patient) reachStore(ctx context.Context) Finding {
	if errors.Is(p.unopened, fs.ErrNotExist) {
		return Finding{Status: Fail, Found: p.Services.Store + ": there is no such folder", Remedy: "check --store; a coordinator makes the folder when it starts"}
	}
	if p.unopened != nil {
		return failed(p.unopened)
	}
	var err error
	p.deployment, p.found, err = p.Services.LookStore(ctx, p.store)
	if err != nil {
		return failed(err)
	}
	return ok(p.Services.Store + " answers and lets us in")
}

// probeStore tries the conditions on writes, under keys of its own.
func (p *patient) probeStore(ctx context.Context) Finding {
	checks, err := p.Services.CheckStore(ctx, p.store)
	if err != nil {
		return failed(err)
	}
	return ok(fmt.Sprintf("%d trials: If-None-Match, If-Match, races and listings are kept", len(checks)))
}

// readDeployment says which deployment the bucket is.
func (p *patient) readDeployment(context.Context) Finding {
	if !p.found {
		return ok("the bucket has no deployment yet: the first coordinator or worker makes it one")
	}
	return ok(fmt.Sprintf("%s: names in Redis begin with %s, topics with %s", p.deployment.ID, p.deployment.RedisPrefix(), p.deployment.TopicPrefix()))
}

// binding compares the bucket's services with those that are named.
func (p *patient) binding(ctx context.Context) Finding {
	if !p.found {
		return Finding{Status: Skipped, Found: "the bucket has no deployment yet"}
	}
	bound, why, err := p.Services.LookBinding(ctx, p.store, p.redis, p.deployment, p.cluster)
	switch {
	case err != nil:
		return failed(err)
	case !bound:
		return ok("the bucket is not bound yet: the first coordinator or worker binds it")
	case len(why) > 0:
		return Finding{Status: Warning, Found: strings.Join(why, "; "), Remedy: "start a coordinator or a worker: it binds the bucket anew, and what was lost is done again"}
	}
	return ok("the bucket belongs to this Redis and this Kafka")
}
