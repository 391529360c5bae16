package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/job"
)

const (
	// refusalTTL is how long a refusal is shown after it was last reported, and
	// refusalEvery how often a worker that goes on refusing reports it.
	refusalTTL   = 30 * time.Second
	refusalEvery = 5 * time.Second
	// maxRefusals bounds the workers that are remembered for a job, and
	// maxReason what each says, in bytes.
	maxRefusals = 100
	maxReason   = 500
)

// Refusal is a worker that leaves the shards of a job alone, and why.
type Refusal struct {
	Worker string `json:"worker"`
	Reason string `json:"reason"`
}

// refuse notes a refusal until some time from now, by Redis's clock.
//
//	KEYS: the hash worker -> {reason, until}
//	ARGV: worker, reason, milliseconds to live, most workers
const refuse = `
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode({reason = ARGV[2], untilms = ms + ARGV[3]}))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`

// refusals returns what is noted and not yet over, and forgets the rest.
const refusals = `
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local all, found = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #all, 2 do
  local said = cjson.decode(all[i + 1])
  if said.untilms > ms then
    found[#found + 1] = cjson.encode({worker = all[i], reason = said.reason})
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
return found
`

// refusing remembers which jobs' shards this worker left alone, and when that
// was reported, so that it is not said for every shard.
type refusing struct {
	mu   sync.Mutex // guards said
	said map[job.ID]time.Time
}

// due says whether it is time to report, and whether it is the first time.
func (r *refusing) due(id job.ID, now time.Time) (due, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, known := r.said[id]
	if known && now.Sub(last) < refusalEvery {
		return false, false
	}
	if len(r.said) >= maxRefusals {
		clear(r.said)
	}
	r.said[id] = now
	return true, !known
}

// leave reports that a shard was left alone because of err.
func (s *Server) leave(ctx context.Context, id job.ID, err error, logger *slog.Logger) {
	due, first := s.refusal.due(id, time.Now())
	if first {
		logger.Warn("A shard was left to other workers; so are all of the job that this worker cannot do.", "error", err)
	}
	if !due {
		return
	}
	if err := s.Refuse(ctx, id, err.Error()); err != nil {
		logger.Debug("The refusal could not be reported.", "error", err)
	}
}

// Refuse notes that a worker leaves the shards of a job alone. It is forgotten
// half a minute after it was said last.
func (s *Server) Refuse(ctx context.Context, id job.ID, reason string) error {
	reason = strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")
	err := redis.NewScript(refuse).Run(ctx, s.redis, []string{s.prefix.refused(id)},
		s.config.Name, reason, refusalTTL.Milliseconds(), maxRefusals).Err()
	if err != nil {
		return fmt.Errorf("report that shards of job %s are refused: %w", id, err)
	}
	return nil
}

// Refusals returns the workers that leave the shards of a job alone, ordered by
// name.
func (c *Client) Refusals(ctx context.Context, id job.ID) ([]Refusal, error) {
	found, err := redis.NewScript(refusals).Run(ctx, c.redis, []string{c.prefix.refused(id)}).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("look up who refuses job %s: %w", id, err)
	}
	var all []Refusal
	for _, text := range found {
		var r Refusal
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return nil, fmt.Errorf("read who refuses job %s: %w", id, err)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Refusal) int { return strings.Compare(a.Worker, b.Worker) })
	return all, nil
}
