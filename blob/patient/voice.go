package patient

import (
	"log/slog"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/clock"
)

// sayEvery is how often it is said at most that the store does not answer.
const sayEvery = 10 * time.Second

// Voice says that the store does not answer, and that it does again, for all
// requests and buckets that share it: at once, then at most every 10 s, with how
// many requests failed. It is safe for concurrent use.
type Voice struct {
	clock clock.Clock
	log   *slog.Logger

	mu     sync.Mutex // guards what follows
	failed int        // requests, since it was said last that they do
	said   time.Time  // zero before the first time
	away   bool       // was said last
}

// NewVoice returns a voice that speaks to log.
func NewVoice(c clock.Clock, log *slog.Logger) *Voice { return &Voice{clock: c, log: log} }

// fails notes a request that failed for a temporary reason.
func (v *Voice) fails(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.failed++
	now := v.clock.Now()
	if !v.said.IsZero() && now.Sub(v.said) < sayEvery {
		return
	}
	v.log.Warn("The object store does not answer; waiting for it.", "requests", v.failed, "error", err)
	v.failed, v.said, v.away = 0, now, true
}

// answers notes that a request which had failed has its answer.
func (v *Voice) answers() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.away {
		v.log.Info("The object store answers again.")
	}
	v.away = false
}
