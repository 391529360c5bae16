package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/api"
)

// reachServer asks the coordinator for its version, with the token.
func (p *patient) reachServer(ctx context.Context) Finding {
	v, err := p.Server.Version(ctx)
	if said, ok := errors.AsType[*api.Error](err); ok {
		return refusedBy(said)
	}
	if err != nil {
		f := Finding{Status: Fail, Found: "no server answers at " + p.Address, Remedy: "start one with `cohort up` or `coordinator`, or name another with --server URL"}
		if gone, ok := errors.AsType[*api.Unreachable](err); ok {
			f.Found += ": " + gone.Err.Error()
		}
		if p.Default {
			f.Status = Skipped
		}
		return f
	}
	found := fmt.Sprintf("version %s with numerics %s answers at %s", v.Version, v.Numerics, p.Address)
	switch {
	case v.Numerics != p.Numerics:
		return Finding{
			Status: Fail, Found: fmt.Sprintf("%s; this program computes with numerics %s, so neither goes on from the other's checkpoints", found, p.Numerics),
			Remedy: "run the same version everywhere",
		}
	case v.Version != p.Version:
		return Finding{Status: Warning, Found: fmt.Sprintf("%s; this program is version %s", found, p.Version), Remedy: "run the same version everywhere"}
	}
	return ok(found)
}

// refusedBy is the finding of a server that answers otherwise.
func refusedBy(said *api.Error) Finding {
	f := Finding{Status: Fail, Found: said.Message, Remedy: said.Remedy}
	if said.Code == api.CodeUnauthorized {
		f.Remedy = "give the coordinator's token with --token-file, or in COHORT_TOKEN"
	}
	return f
}

// workers looks for workers that leave the shards of jobs alone.
func (p *patient) workers(ctx context.Context) Finding {
	jobs, _, err := p.Server.Jobs(ctx, maxJobs, "")
	if said, ok := errors.AsType[*api.Error](err); ok {
		return refusedBy(said)
	}
	if err != nil {
		return Finding{Status: Fail, Found: "the jobs cannot be listed: " + err.Error(), Remedy: "see the check " + checkServer}
	}
	running := 0
	var refusals []string
	for _, j := range jobs {
		if j.State.Ended() {
			continue
		}
		running++
		for _, r := range j.RefusedBy {
			refusals = append(refusals, fmt.Sprintf("%s refuses the shards of job %s: %s", r.Worker, j.ID, r.Reason))
		}
	}
	if len(refusals) > 0 {
		slices.Sort(refusals)
		return Finding{Status: Fail, Found: strings.Join(refusals, "; "), Remedy: "run workers of the version that began the job"}
	}
	return ok(fmt.Sprintf("none refuses a shard of the %d jobs that have not ended", running))
}
