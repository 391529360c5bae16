package countdown_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/agent"
	"github.com/cohort-rl/cohort/examples/countdown"
	"github.com/cohort-rl/cohort/policy"
	"github.com/cohort-rl/cohort/telemetry"
)

func TestAttemptLeavesItsWholeThreadInTheLog(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	tasks := heldOut(t)[:40]
	answers := make([]agent.Answer, len(tasks))
	var attempts sync.WaitGroup
	for i, task := range tasks {
		attempts.Go(func() {
			var err error
			if answers[i], err = s.client.Attempt(within(t), s.request(threadOf(i), task, uint64(i))); err != nil {
				t.Error(err)
			}
		})
	}
	attempts.Wait()
	threads := s.threads()
	for i, task := range tasks {
		got := threads[threadOf(i)]
		s.wantThread(got, task, uint64(i))
		last := got[len(got)-1].record
		want := agent.Answer{
			Events:       uint64(len(got)),
			Acknowledged: []agent.Position{{Partition: last.Partition, Offset: last.Offset}},
		}
		if !reflect.DeepEqual(answers[i], want) {
			t.Errorf("%s: answer %+v, want %+v", threadOf(i), answers[i], want)
		}
	}
	if len(threads) != len(tasks) {
		t.Errorf("%d threads for %d attempts", len(threads), len(tasks))
	}
	s.wantJournal(threads)
}

func threadOf(i int) string { return fmt.Sprintf("job/1/%d/0/nonce", i) }

// wantThread plays the task again with the policy at hand and compares.
func (s *system) wantThread(got []stored, task countdown.Task, seed uint64) {
	s.t.Helper()
	want := []telemetry.Body{telemetry.Start{Task: task.String()}}
	solved, err := countdown.Play(s.t.Context(), task, func(_ context.Context, number uint32, features []float32) (int, error) {
		choice, err := policy.Decide(s.policy, features, seed, number, false)
		want = append(want, telemetry.Decision{
			Number: number, Policy: s.r.Policy.Digest, Width: countdown.Width, Features: features,
			Chosen: uint32(choice.Chosen), LogProb: choice.LogProb,
		})
		return choice.Chosen, err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	reward := telemetry.Reward{}
	if solved {
		reward.Value = 1
	}
	want = append(want, reward, telemetry.End{Events: uint64(len(want)) + 2})
	if len(got) != len(want) {
		s.t.Fatalf("%d events, want %d", len(got), len(want))
	}
	for i, event := range got {
		if event.Index != uint64(i) || fmt.Sprintf("%#v", event.Body) != fmt.Sprintf("%#v", want[i]) {
			s.t.Fatalf("%s: event %d is %+v", event.Thread, i, event.Event)
		}
		if event.origin.Trace.Parent != agent.TraceParent(event.Thread) {
			s.t.Errorf("%s: event %d has the trace %+v", event.Thread, i, event.origin.Trace)
		}
	}
}

// wantJournal compares the agent's own log with the events in Kafka.
func (s *system) wantJournal(threads map[string][]stored) {
	s.t.Helper()
	file, err := os.Open(s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	rows := 0
	for lines := bufio.NewScanner(file); lines.Scan(); rows++ {
		var row countdown.Row
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			s.t.Fatal(err)
		}
		events := threads[row.Thread]
		if len(events) < 2 || uint64(len(events)) != row.Events {
			s.t.Fatalf("row %+v, the log has %d events", row, len(events))
		}
		if body := events[len(events)-2].Body; body != (telemetry.Reward{Value: row.Reward}) {
			s.t.Errorf("row %+v, the log has %+v", row, body)
		}
	}
	if rows != len(threads) {
		s.t.Errorf("%d rows for %d threads", rows, len(threads))
	}
}

func TestTaskThatIsNotCountdownIsTheAgentsFailure(t *testing.T) {
	t.Parallel()
	client := startAgent(t, countdown.Config{})
	r := (&system{t: t, r: agent.Request{
		Format: agent.Format, DeadlineMS: 1000,
		Policy: agent.PolicyAddress{URL: "http://127.0.0.1:1/v1/policies/x", Digest: "x"},
		Traces: agent.TracesAddress{Brokers: []string{"127.0.0.1:1"}, Topic: "events", Partitions: 1},
	}}).request("thread", countdown.Task{Numbers: []int{1}, Target: 1}, 1)
	_, err := client.Attempt(within(t), r)
	if _, ok := errors.AsType[*agent.Failed](err); !ok {
		t.Errorf("error %v, want a *Failed", err)
	}
}

func TestLostPolicyAndLostBrokerAreWeather(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	listener := listen(t)
	_ = listener.Close()
	task := heldOut(t)[0]

	noPolicy := s.request("no-policy", task, 1)
	noPolicy.Policy.URL = fmt.Sprintf("http://%s/v1/policies/%s", listener.Addr(), s.r.Policy.Digest)
	if _, err := s.client.Attempt(within(t), noPolicy); !errors.Is(err, agent.ErrWeather) {
		t.Errorf("no policy: error %v, want ErrWeather", err)
	}
	noBroker := s.request("no-broker", task, 1)
	noBroker.Traces.Brokers, noBroker.DeadlineMS = []string{listener.Addr().String()}, 100
	if _, err := s.client.Attempt(within(t), noBroker); !errors.Is(err, agent.ErrWeather) {
		t.Errorf("no broker: error %v, want ErrWeather", err)
	}
	if _, err := s.client.Attempt(within(t), s.request("afterwards", task, 1)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAgentStopsWhenItsParentIsGone(t *testing.T) {
	t.Parallel()
	reader, parent := io.Pipe()
	ready := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- countdown.Serve(within(t), countdown.Config{
			Listen: "127.0.0.1:0", Parent: reader, Ready: func(net.Addr) { close(ready) },
		})
	}()
	<-ready
	_ = parent.Close()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-within(t).Done():
		t.Error("the agent still runs")
	}
}
