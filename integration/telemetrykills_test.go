//go:build services

package integration_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/spill"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// What a process says that records until it is killed: a line each, with the
// producer instance, a thread that was acknowledged whole, one that was not.
const (
	saysInstance     = "instance "
	saysAcknowledged = "acknowledged "
	saysUndelivered  = "undelivered"
)

// threadEvents is how many events a thread of such a process has.
const threadEvents = 20

// unreachable is a cluster that is not there.
func unreachable() []string { return []string{"127.0.0.1:1"} }

// recordEndlessly records threads until it is killed, and spills soon.
func recordEndlessly(r recording) error {
	p, err := telemetry.NewProducer(telemetry.Config{
		Brokers: r.Brokers, Topic: r.Topic, BatchEvents: 50, Budget: 300 * time.Millisecond,
		DeadLetters: &telemetry.DeadLetters{Brokers: unreachable(), Patience: time.Nanosecond, Spill: r.Spill},
	})
	if err != nil {
		return err
	}
	var mu sync.Mutex // guards the output
	say := func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(line)
	}
	say(saysInstance + p.Instance())
	ctx := context.Background()
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := 0; err == nil; n++ {
				id := fmt.Sprintf("%s/%d/%d", p.Instance(), w, n)
				thread := telemetry.NewThread(p, id)
				for range threadEvents {
					if e := thread.Record(ctx, "x", telemetry.ToolCall{Tool: "x", Output: make([]byte, 200)}); e != nil {
						say(e.Error())
						return
					}
				}
				switch _, e := thread.Flush(ctx); {
				case e == nil:
					say(saysAcknowledged + id)
				case errors.Is(e, telemetry.ErrUndelivered):
					say(saysUndelivered)
				default:
					say(e.Error())
					return
				}
			}
		})
	}
	writers.Wait()
	return errors.New("nobody killed this process")
}

// series is producers that are killed one after another on one topic, with one
// spill file between them.
type series struct {
	client       *kafkago.Client
	of           kafka.Config
	topic, spill string
	random       *rand.Rand
	instances    map[string]bool // of the killed
	acknowledged map[string]bool // threads of which a process was told so
	spilled      map[string]bool // events that were whole in the spill file after a kill
	rotten       map[string]bool // events that the disk lost
}

// newSeries makes a topic and a place for the spill file.
func newSeries(t *testing.T, seed int) *series {
	t.Helper()
	brokers := []string{realServices(t)["COHORT_KAFKA"]}
	s := &series{
		client: newClient(t, brokers, &kafkago.Transport{}), of: kafka.Config{Brokers: brokers},
		topic: "kills-" + uuid.NewString(), spill: filepath.Join(t.TempDir(), "spill"), random: rand.New(rand.NewPCG(1, uint64(seed))),
		instances: map[string]bool{}, acknowledged: map[string]bool{}, spilled: map[string]bool{}, rotten: map[string]bool{},
	}
	createTopic(t, s.client, s.topic, 2)
	return s
}

// accept makes the log's topic take everything, or nothing at all.
func (s *series) accept(t *testing.T, everything bool) {
	t.Helper()
	entry := kafkago.IncrementalAlterConfigsRequestConfig{Name: "max.message.bytes", Value: "1", ConfigOperation: kafkago.ConfigOperationSet}
	if everything {
		entry.Value = "1000000"
	}
	persist(t, func() error {
		r, err := s.client.IncrementalAlterConfigs(t.Context(), &kafkago.IncrementalAlterConfigsRequest{Resources: []kafkago.IncrementalAlterConfigsRequestResource{
			{ResourceType: kafkago.ResourceTypeTopic, ResourceName: s.topic, Configs: []kafkago.IncrementalAlterConfigsRequestConfig{entry}},
		}})
		if err == nil {
			err = r.Resources[0].Error
		}
		return err
	})
}

// hear takes lines until so many begin like that, or for ever with 0.
func (s *series) hear(t *testing.T, r *recorder, prefix string, enough int) {
	t.Helper()
	late := time.After(2 * time.Minute)
	for heard := 0; ; {
		select {
		case line, ok := <-r.lines:
			if !ok {
				if enough > 0 {
					t.Fatalf("the process ended: %v", r.cmd.Wait())
				}
				return
			}
			switch {
			case strings.HasPrefix(line, saysInstance):
				s.instances[line[len(saysInstance):]] = true
			case strings.HasPrefix(line, saysAcknowledged):
				s.acknowledged[line[len(saysAcknowledged):]] = true
			case line != saysUndelivered:
				t.Errorf("the process says %q", line)
			}
			if strings.HasPrefix(line, prefix) {
				heard++
			}
			if enough > 0 && heard >= enough {
				return
			}
		case <-late:
			t.Fatalf("the process does not say %q", prefix)
		}
	}
}

// kill starts a producer, kills it at a random point and notes what it left: in
// the middle of sending, of spilling, or, if the log recovers, of sending back
// what was spilled. If the disk rots, some of what lies there is lost.
func (s *series) kill(t *testing.T, spills, recovers, rots bool) {
	t.Helper()
	r, err := startRecorder(t.Context(), task{Endless: &recording{Brokers: s.of.Brokers, Topic: s.topic, Spill: s.spill}})
	if err != nil {
		t.Fatal(err)
	}
	s.hear(t, r, saysAcknowledged, 1+s.random.IntN(100))
	if spills {
		s.accept(t, false)
		s.hear(t, r, saysUndelivered, 1+s.random.IntN(12))
		if recovers {
			s.accept(t, true)
			s.hear(t, r, saysAcknowledged, 1+s.random.IntN(20))
		}
	}
	if rots && spills && !recovers {
		s.awaitFile(t)
	}
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.hear(t, r, saysAcknowledged, 0)
	_ = r.cmd.Wait() // it was killed
	if rots {
		s.rot(t)
	}
	s.accept(t, true)
	for _, id := range s.file(t) {
		s.spilled[id] = true
	}
}

// file is the events in the spill file.
func (s *series) file(t *testing.T) (ids []string) {
	t.Helper()
	_, err := spill.Scan(s.spill, func(r spill.Record) error {
		l, err := telemetry.ReadDeadLetter(r.Payload)
		ids = append(ids, identity(l.Headers, l.Partition))
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	return ids
}

// goBack starts a producer that finds the spill file, and ends it when it has
// sent all of that back.
func (s *series) goBack(t *testing.T) (replayed uint64) {
	t.Helper()
	left := uint64(len(s.file(t)))
	p, err := telemetry.NewProducer(telemetry.Config{
		Brokers: s.of.Brokers, Topic: s.topic,
		DeadLetters: &telemetry.DeadLetters{Brokers: unreachable(), Patience: time.Nanosecond, Spill: s.spill},
	})
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * time.Minute); p.Accounts().Replayed < left || len(s.file(t)) > 0; <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("of %d events in the spill file %d are there after %d were replayed", left, len(s.file(t)), p.Accounts().Replayed)
		}
	}
	a, err := p.Close(t.Context())
	if err != nil {
		t.Error(err)
	}
	return a.Replayed
}

// Whenever a producer is killed, what it was told is acknowledged is in the log,
// the next start brings what lies in the spill file there, once for readers, and
// the audit names the rest.
func TestKilledProducersLoseNothingThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	times := number("producer-kills")
	const together = 10 // kills of a series: the audit lists a hundred streams
	for first := 0; first < times; first += together {
		s := newSeries(t, first)
		kills := min(together, times-first)
		for n := range kills {
			s.kill(t, n%3 > 0, s.random.IntN(2) > 0, n%4 == 2)
		}
		if kills > 1 && len(s.spilled) == 0 {
			t.Error("the spill file was empty after each kill")
		}
		torn := s.check(t, s.look(t), nil)
		last := s.goBack(t)
		f := s.look(t)
		whole := s.check(t, f, s.spilled)
		t.Logf("%d kills: %d threads of %d events acknowledged, %d events in the spill file after a kill and %d lost there, %d replayed at the last start and %d before; log %d events, duplicates %d, under tombstones %d, gap %d before the last start and %d after, unclean streams %d",
			kills, len(s.acknowledged), threadEvents, len(s.spilled), len(s.rotten), last, torn.Replayed, len(f.events), f.duplicates,
			whole.DeadLettered, torn.Gap, whole.Gap, whole.Unclean)
	}
}
