// Package deployment binds a bucket, the keys in Redis and the topics in Kafka
// together: the bucket holds a random id, and the names of everything that the
// deployment owns elsewhere are made from it. So processes that share a bucket
// share all the rest, and two deployments never mix.
package deployment

import (
	"context"
	"fmt"
	"regexp"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/records"
)

// Format is the format of deployment.json.
const Format = "cohort.deployment/1"

// Deployment is the record at deployment.json. It is created once and never
// changed.
type Deployment struct {
	Format string `json:"format"`
	ID     string `json:"id"`
}

// Join reads the bucket's deployment, or makes the bucket one with a fresh id
// of 32 hexadecimal digits.
func Join(ctx context.Context, b blob.Bucket, id string) (Deployment, error) {
	d, _, err := records.Adopt(ctx, b, job.DeploymentKey, Format, &Deployment{Format: Format, ID: id})
	if err != nil {
		return Deployment{}, fmt.Errorf("join the deployment: %w", err)
	}
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(d.ID) {
		return Deployment{}, fmt.Errorf("join the deployment: %s holds an id that is none: %q", job.DeploymentKey, d.ID)
	}
	return *d, nil
}

// short is enough of the id to tell deployments apart.
func (d Deployment) short() string { return d.ID[:12] }

// RedisPrefix begins the keys of the deployment in Redis.
func (d Deployment) RedisPrefix() queue.Prefix { return queue.Prefix("cohort-" + d.short()) }

// TopicPrefix begins the names of the deployment's topics in Kafka.
func (d Deployment) TopicPrefix() string { return "cohort." + d.short() + "." }
