package coordinator

import (
	"context"
	"sync"
	"time"

	"github.com/cohort-rl/cohort/job"
)

const (
	// fleetEvery is how often the queue is asked how many shards workers can have
	// in hand.
	fleetEvery = 5 * time.Second
	// unknownFleet is the window of a job while that is not known, and headroom how
	// many windows a job has that is alone, so that workers never wait for it.
	unknownFleet = 1024
	headroom     = 4
	contended    = 2 // the same for all jobs together, where there are several
	leastAlone   = 64
	// spared is the part of the hands, one in so many, that no job gets where
	// others want them too: what one job's agents hang on cannot hold up all.
	spared = 4
)

// shares divide the workers' hands among the jobs that this process drives. The
// queue hands shards out in the order in which they came, so a job's part of
// those in the queue is its part of the workers.
type shares struct {
	mu     sync.Mutex // guards what follows
	hands  int        // of all workers; 0 while it is not known
	parts  map[job.ID]int
	phases map[job.ID]int // of each job that has shards to do
}

func newShares() *shares { return &shares{parts: map[job.ID]int{}, phases: map[job.ID]int{}} }

// want says that a job has shards to do, until the returned function is called.
func (s *shares) want(id job.ID, priority string) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phases[id]++
	s.parts[id] = partsOf(priority)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.phases[id]--; s.phases[id] == 0 {
			delete(s.phases, id)
			delete(s.parts, id)
		}
	}
}

// partsOf is how many parts of the workers a job of a priority has.
func partsOf(priority string) int {
	switch priority {
	case "low":
		return 1
	case "high":
		return 16
	}
	return 4
}

// window is how many shards of a job may be handed out at once: at least one, and
// never all that the workers can have in hand where other jobs have shards too.
func (s *shares) window(id job.ID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := 0
	for _, parts := range s.parts {
		all += parts
	}
	switch {
	case s.hands == 0:
		return unknownFleet
	case len(s.parts) < 2:
		return max(leastAlone, headroom*s.hands)
	}
	return max(1, min(contended*s.hands*s.parts[id]/all, s.hands-max(1, s.hands/spared)))
}

// found notes how many shards workers can have in hand.
func (s *shares) found(hands int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hands = hands
}

// watchFleet asks how many shards workers can have in hand until ctx ends.
func (s *Supervisor) watchFleet(ctx context.Context) {
	for {
		if hands, err := s.Hands(ctx); err == nil {
			s.shares.found(hands)
		}
		if s.Clock.Sleep(ctx, fleetEvery) != nil {
			return
		}
	}
}
