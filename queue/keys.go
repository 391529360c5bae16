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
func (p Prefix) lease(id job.ID) string      { return string(p) + ":lease:" + string(id) }

// Weights of the queues: what ends a step goes before what begins one, and
// training before evaluation; none is starved.
const (
	collectWeight  = 10
	trainingWeight = 5
	evalWeight     = 2
)

func (p Prefix) queues() map[string]int {
	return map[string]int{
		string(p) + "-collect":  collectWeight,
		string(p) + "-training": trainingWeight,
		string(p) + "-eval":     evalWeight,
	}
}

// queueOf is the asynq queue in which a shard waits.
func (p Prefix) queueOf(s job.Shard) string {
	switch {
	case s.Phase != job.Rollout:
		return string(p) + "-collect"
	case s.Unit.Eval != "":
		return string(p) + "-eval"
	}
	return string(p) + "-training"
}
