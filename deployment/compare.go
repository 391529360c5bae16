package deployment

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
)

// Compare says what Bind would say of what was found, and writes nothing
// anywhere: why, in sentences, the deployment would be bound anew, or *Elsewhere.
// bound is false where no process has bound the bucket yet.
func (d Deployment) Compare(ctx context.Context, b blob.Bucket, found Found) (bound bool, why []string, err error) {
	there, _, err := readBinding(ctx, b)
	if err != nil {
		return false, nil, fmt.Errorf("compare the deployment: %w", err)
	}
	if there == nil {
		return false, nil, nil
	}
	here := Binding{
		Format: BindingFormat,
		Redis:  Place{Addresses: found.RedisAddresses},
		Kafka:  Place{ID: found.KafkaCluster, Addresses: found.KafkaAddresses},
	}
	if here.Redis.ID, err = d.token(ctx, found.Redis); err != nil {
		return true, nil, fmt.Errorf("compare the deployment: %w", err)
	}
	_, why, err = there.next(here, false)
	if err != nil {
		return true, nil, fmt.Errorf("compare the deployment: %w", err)
	}
	return true, why, nil
}
