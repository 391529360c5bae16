package queue

import (
	"fmt"
	"regexp"

	"github.com/cohort-rl/cohort/job"
)

// Prefix begins every Redis key and every asynq queue of a deployment, so that
// several deployments can share a Redis.
type Prefix string

// ParsePrefix checks a prefix: 1 to 40 of the characters a-z, 0-9 and "-".
func ParsePrefix(s string) (Prefix, error) {
	if !regexp.MustCompile(`^[a-z0-9-]{1,40}$`).MatchString(s) {
		return "", fmt.Errorf("redis prefix %q: use 1 to 40 of a-z, 0-9 and \"-\"", s)
	}
	return Prefix(s), nil
}

func (p Prefix) alive(task string) string    { return string(p) + ":alive:" + task }
func (p Prefix) barrier(group string) string { return string(p) + ":barrier:{" + group + "}" }
func (p Prefix) reached(group string) string { return p.barrier(group) + ":reached" }
func (p Prefix) refused(id job.ID) string    { return string(p) + ":refused:" + string(id) }
func (p Prefix) lease(id job.ID) string      { return string(p) + ":lease:" + string(id) }

// The queues of a deployment.
const (
	collectQueue  = "collect"
	evalQueue     = "eval"
	trainingQueue = "training"
)

// Weights of the queues: what ends a step goes before what begins one, and
// training before evaluation; none is starved.
const (
	collectWeight  = 10
	trainingWeight = 5
	evalWeight     = 2
)

func (p Prefix) queues() map[string]int {
	return map[string]int{
		p.queue(collectQueue):  collectWeight,
		p.queue(trainingQueue): trainingWeight,
		p.queue(evalQueue):     evalWeight,
	}
}

// queue is the asynq queue of a name.
func (p Prefix) queue(name string) string { return string(p) + "-" + name }

// queueOf is the asynq queue in which a shard waits.
func (p Prefix) queueOf(s job.Shard) string {
	switch {
	case s.Phase != job.Rollout:
		return p.queue(collectQueue)
	case s.Unit.Eval != "":
		return p.queue(evalQueue)
	}
	return p.queue(trainingQueue)
}
