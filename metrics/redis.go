package metrics

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

// RedisHook returns a hook of a client of Redis that counts as weather what got
// no answer.
func RedisHook(w *Weather) redis.Hook { return redisHook{w} }

type redisHook struct{ weather *Weather }

// DialHook counts nothing: a connection that cannot be made fails the command
// that needed it.
func (redisHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook counts a command without an answer.
func (h redisHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		h.count(ctx, err)
		return err
	}
}

// ProcessPipelineHook counts a pipeline without an answer.
func (h redisHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		h.count(ctx, err)
		return err
	}
}

// count counts an error that is no answer of Redis, unless the caller gave up.
func (h redisHook) count(ctx context.Context, err error) {
	var answer redis.Error
	if err == nil || ctx.Err() != nil || errors.As(err, &answer) {
		return
	}
	h.weather.Count(Redis)
}
