package deployment

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
)

// Found is what a process that starts was pointed at.
type Found struct {
	Redis          redis.UniversalClient
	RedisAddresses []string
	KafkaAddresses []string
	KafkaCluster   string // id, empty where Kafka has none
}

// ErrToken says that the token in Redis could not be read or put.
var ErrToken = errors.New("no way to the deployment's token in Redis")

// maxBinds bounds the tries against others that bind at the same time.
const maxBinds = 20

// Bind makes sure that the bucket's deployment runs on what was found, and
// records it where it is the first, or what was there has lost its data, or
// moved says that it may be another. why says in sentences what changed, if
// anything did. A service that belongs to no binding and is not at a known
// address is an *Elsewhere; then nothing is written anywhere. It is safe to
// repeat, and several may bind at once. fresh is a random token.
func (d Deployment) Bind(ctx context.Context, b blob.Bucket, found Found, moved bool, fresh string) (why []string, err error) {
	for range maxBinds {
		why, err = d.bind(ctx, b, found, moved, fresh)
		if !errors.Is(err, blob.ErrStale) && !errors.Is(err, blob.ErrExists) && !errors.Is(err, blob.ErrAmbiguous) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("bind the deployment: %w", err)
	}
	return why, nil
}

func (d Deployment) bind(ctx context.Context, b blob.Bucket, found Found, moved bool, fresh string) ([]string, error) {
	bound, condition, err := readBinding(ctx, b)
	if err != nil {
		return nil, err
	}
	here := Binding{
		Format: BindingFormat,
		Redis:  Place{Addresses: found.RedisAddresses},
		Kafka:  Place{ID: found.KafkaCluster, Addresses: found.KafkaAddresses},
	}
	if here.Redis.ID, err = d.token(ctx, found.Redis); err != nil {
		return nil, err
	}
	next, why := here, []string(nil)
	if bound != nil {
		if next, why, err = bound.next(here, moved); err != nil {
			return nil, err
		}
	}
	if next.Redis.ID == "" {
		if next.Redis.ID, err = d.leave(ctx, found.Redis, fresh); err != nil {
			return nil, err
		}
	}
	if bound != nil && next.equal(*bound) {
		return why, nil
	}
	body, err := sealed.Seal(next)
	if err != nil {
		return nil, err
	}
	_, err = b.Put(ctx, job.BindingKey, body, condition)
	return why, err
}

// Bound reads the bucket's binding. Where there is none it is blob.ErrNotFound.
func Bound(ctx context.Context, b blob.Bucket) (Binding, error) {
	bound, _, err := readBinding(ctx, b)
	if err == nil && bound == nil {
		err = fmt.Errorf("read %s: %w", job.BindingKey, blob.ErrNotFound)
	}
	if err != nil {
		return Binding{}, err
	}
	return *bound, nil
}

// readBinding returns the binding, nil if there is none, and the condition under
// which it may be replaced.
func readBinding(ctx context.Context, b blob.Bucket) (*Binding, blob.Condition, error) {
	object, err := b.Get(ctx, job.BindingKey)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, blob.IfAbsent(), nil
	}
	if err != nil {
		return nil, blob.Condition{}, err
	}
	bound := &Binding{}
	if err := sealed.Open(object.Body, BindingFormat, bound); err != nil {
		return nil, blob.Condition{}, fmt.Errorf("read %s: %w", job.BindingKey, err)
	}
	return bound, blob.IfMatch(object.Version), nil
}

// tokenKey is where the token lies in Redis.
func (d Deployment) tokenKey() string { return string(d.RedisPrefix()) + ":token" }

// token reads the token that lies in Redis, empty if there is none.
func (d Deployment) token(ctx context.Context, r redis.UniversalClient) (string, error) {
	token, err := r.Get(ctx, d.tokenKey()).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", fmt.Errorf("%w: read %s: %w", ErrToken, d.tokenKey(), err)
	}
	return token, nil
}

// leave puts a token into Redis, unless another was first, and returns the one
// that is there.
func (d Deployment) leave(ctx context.Context, r redis.UniversalClient, fresh string) (string, error) {
	if err := r.SetNX(ctx, d.tokenKey(), fresh, 0).Err(); err != nil {
		return "", fmt.Errorf("%w: put %s: %w", ErrToken, d.tokenKey(), err)
	}
	return d.token(ctx, r)
}
