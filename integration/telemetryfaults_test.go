//go:build services

package integration_test

import (
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/ratelimit"
)

// storm is something that happens to a broker, and those who record through it,
// side by side on topics of their own.
type storm struct {
	name   string
	lasts  time.Duration // until end; 0 is until all have recorded
	begin  func(t *testing.T)
	end    func(t *testing.T)
	faults []fault
}

// fault is what eight producers are told, and what is done to their topic.
type fault struct {
	name    string
	config  func(*telemetry.Config)
	topic   []kafkago.ConfigEntry
	large   int    // every so manieth event is of 30 KB; 0 is none
	disk    uint64 // largest file that the producers may write; then they are a process of their own
	deleted bool   // the topic is deleted, so nothing can be looked up in it
	unsure  bool   // answers are lost: some events must be uncertain and there twice
	limited bool   // a limiter in the stage's Redis is asked about each event, and refuses some
}

// small bounds all that a producer holds, the dead letters' cluster cannot be
// reached, and the spill file is cut short.
func small(spillBytes int64) func(*telemetry.Config) {
	return func(c *telemetry.Config) {
		c.Budget, c.RequestTimeout, c.QueueEvents = time.Second, time.Second, 500
		c.Limits = telemetry.DefaultLimits()
		c.Limits.EventBytes, c.Limits.FrameBytes = 1<<10, 1<<10+20
		c.DeadLetters.Brokers = []string{"127.0.0.1:1"}
		c.DeadLetters.Patience, c.DeadLetters.QueueEvents = time.Nanosecond, 200
		c.DeadLetters.LetterBytes, c.DeadLetters.SpillBytes = c.Limits.FrameBytes, spillBytes
	}
}

func impatient(c *telemetry.Config) { c.Budget, c.RequestTimeout = time.Second, time.Second }

func none(*testing.T) {}

// stops are the faults while the broker does not run.
func stops() []fault {
	return []fault{
		{name: "stopped"},
		{name: "stopped beyond the budget", config: impatient},
		{name: "both away, and the spill file is small", config: small(150_000)},
		{name: "both away, and the disk is full", config: small(1 << 30), disk: 150_000},
	}
}

// storms are those of a real broker.
func (s *stage) storms(lasts time.Duration) []storm {
	var pressed presser
	return []storm{
		{
			name:  "stop",
			lasts: max(lasts, 4*time.Second), // a budget is a second
			begin: func(t *testing.T) {
				t.Helper()
				pressed = s.startPresser(t)
				s.signal(t, syscall.SIGSTOP)
			},
			end: func(t *testing.T) {
				t.Helper()
				pressed.stop(t)
				s.signal(t, syscall.SIGCONT)
			},
			faults: stops(),
		},
		{
			name:   "cut",
			begin:  func(t *testing.T) { t.Helper(); s.loseAnswers(t, 1000) },
			end:    func(t *testing.T) { t.Helper(); s.keepAnswers(t) },
			faults: []fault{{name: "answers cut after the log had the events", unsure: true, config: func(c *telemetry.Config) { c.BatchEvents = 20 }}},
		},
		{
			name:  "refuse",
			begin: none, end: none,
			faults: []fault{
				{name: "too large for the broker", large: 100, topic: []kafkago.ConfigEntry{{ConfigName: "max.message.bytes", ConfigValue: "20000"}}},
				{name: "topic deleted", deleted: true, config: func(c *telemetry.Config) { c.Budget = 2 * time.Second }},
			},
		},
		{
			name:   "kill",
			lasts:  time.Nanosecond, // up takes its time
			begin:  func(t *testing.T) { t.Helper(); s.signal(t, syscall.SIGKILL) },
			end:    func(t *testing.T) { t.Helper(); s.up(t, "kafka") },
			faults: []fault{{name: "killed and restarted"}},
		},
		{
			name:  "redis",
			lasts: time.Second,
			begin: func(t *testing.T) {
				t.Helper()
				if err := syscall.Kill(s.folder.pid(t, "redis"), syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
			},
			end:    func(t *testing.T) { t.Helper(); s.up(t, "redis") },
			faults: []fault{{name: "Redis killed and restarted", limited: true}},
		},
	}
}

// newLimiter lets through more than anybody records, unless it cannot be asked.
func (s *stage) newLimiter(t *testing.T) telemetry.Limiter {
	t.Helper()
	limiter, err := ratelimit.New(s.folder.redis(t), "rate:", ratelimit.Limit{Rate: 1e7, Burst: 1_000_000}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return limiter
}

// Whatever happens to the broker, every event has one end, the log holds what
// was acknowledged and nothing else, and what is elsewhere as well was counted
// as uncertain.
func TestAccountsAddUpThroughFaultsOfKafka(t *testing.T) {
	t.Parallel()
	s := startStage(t, "kafka", "redis")
	for _, storm := range s.storms(time.Duration(number("outage")) * time.Second) {
		t.Run(storm.name, func(t *testing.T) { s.blow(t, storm, uint64(number("events"))) })
	}
	s.print(t)
}
