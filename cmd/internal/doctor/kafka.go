package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
)

// maxJobs bounds the jobs whose topics are looked at.
const maxJobs = 100

// reachKafka asks the brokers for the cluster, with the login.
func (p *patient) reachKafka(ctx context.Context) Finding {
	var err error
	if p.log, err = p.Services.OpenKafka(ctx); err != nil {
		return failed(err)
	}
	if p.cluster, err = p.Services.CheckKafka(ctx, p.log); err != nil {
		return failed(err)
	}
	id := p.cluster.ID
	if id == "" {
		id = "without an id"
	}
	return ok(fmt.Sprintf("cluster %s answers and lets us in; brokers %s", id, strings.Join(p.cluster.Brokers, ", ")))
}

// createTopics asks whether a topic could be created.
func (p *patient) createTopics(ctx context.Context) Finding {
	prefix := "cohort."
	if p.found {
		prefix = p.deployment.TopicPrefix()
	}
	if err := p.Services.TryKafka(ctx, p.log, prefix+"doctor-"+p.Nonce(), 1); err != nil {
		return failed(err)
	}
	return ok("a topic could be created; none was")
}

// topics looks at the topics of the jobs that have not ended.
func (p *patient) topics(ctx context.Context) Finding {
	if !p.found {
		return Finding{Status: Skipped, Found: "the bucket has no deployment yet"}
	}
	var wrong, remedies, missing []string
	fine := 0
	for info, err := range p.store.List(ctx, job.ActivePrefix, "") {
		if err != nil {
			return Finding{Status: Fail, Found: "the active jobs cannot be listed: " + err.Error(), Remedy: "see the check store"}
		}
		if fine+len(wrong)+len(missing) == maxJobs {
			break
		}
		id, err := job.ParseID(strings.TrimSuffix(strings.TrimPrefix(info.Key, job.ActivePrefix), ".json"))
		if err != nil {
			continue // coordinators pass it over, too
		}
		def, begun, err := p.readJob(ctx, id)
		if errors.Is(err, blob.ErrNotFound) {
			continue // its submission is under way
		}
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("job %s cannot be read: %v", id, err))
			continue
		}
		topic := def.Topic(p.deployment.TopicPrefix())
		there, err := p.Services.LookTopic(ctx, p.log, topic, def.Spec.Traces.Partitions, time.Duration(def.Spec.Traces.Retention))
		switch {
		case err != nil:
			f := failed(err)
			wrong, remedies = append(wrong, fmt.Sprintf("job %s: %s", id, f.Found)), append(remedies, f.Remedy)
		case !there && begun:
			missing = append(missing, fmt.Sprintf("job %s: topic %s is gone", id, topic))
		default:
			fine++
		}
	}
	switch {
	case len(wrong) > 0:
		return Finding{Status: Fail, Found: strings.Join(wrong, "; "), Remedy: strings.Join(remedies, "; ")}
	case len(missing) > 0:
		return Finding{Status: Warning, Found: strings.Join(missing, "; "), Remedy: "nothing, if Kafka lost its data: the rollouts of the open step run again; else find out what deletes topics"}
	case fine == 0:
		return ok("no job is active")
	}
	return ok(fmt.Sprintf("%d active jobs have topics as their specs ask, or have still to create them", fine))
}

// readJob reads a job's definition, and whether it has begun.
func (p *patient) readJob(ctx context.Context, id job.ID) (def *job.Definition, begun bool, err error) {
	def, _, err = records.Read[job.Definition](ctx, p.store, id.SpecKey(), job.DefinitionFormat)
	if err != nil {
		return nil, false, err
	}
	_, err = p.store.Head(ctx, id.LogKey(0))
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		return nil, false, err
	}
	return def, err == nil, nil
}
