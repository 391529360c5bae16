package training_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/embedded"
	"github.com/cohort-rl/cohort/endtoend/trained"
	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/audit"
)

// auditCommand runs cohort telemetry audit on what a demo left.
func auditCommand(t *testing.T, dir string, flags ...string) (out string, code int) {
	t.Helper()
	command := exec.CommandContext(trained.Within(t, time.Minute), "cohort", append([]string{"telemetry", "audit", "--dir", dir}, flags...)...)
	text, err := command.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return string(text), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text), 0
}

func TestAuditFindsADemosLogWholeAndNamesWhatIsTakenAway(t *testing.T) {
	t.Parallel()
	from, _, j := finishedDemo(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	out, code := auditCommand(t, dir, "-o", "json")
	var found struct {
		Whole  bool
		Topics []audit.Report
	}
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found.Topics) != 1 {
		t.Fatal(err, out)
	}
	if r := found.Topics[0]; code != 0 || !found.Whole || r.Totals.Gap != 0 || r.Totals.Events == 0 || r.Totals.Complete == 0 || r.Topic != j.Entries[0].Begin.Topic {
		t.Errorf("exit code %d, report %+v", code, r)
	}
	taken := copyWithout(t, dir, j.Entries[0].Begin.Topic, "thinned")
	out, code = auditCommand(t, dir, "--topic", "thinned")
	want := fmt.Sprintf("MISSING: producer %s, partition 1: sequence %d, shown by", taken.Producer, taken.Sequence)
	if code != 1 || !strings.Contains(out, want) {
		t.Errorf("exit code %d; it does not say %q:\n%s", code, want, out)
	}
}

// copyWithout copies a topic with its headers, but for one event in the middle
// of partition 1, and says what is on that event.
func copyWithout(t *testing.T, dir, topic, to string) (taken telemetry.Origin) {
	t.Helper()
	ctx := trained.Within(t, time.Minute)
	all := readTopic(t, dir+"/kafka", topic)
	broker, err := embedded.StartKafka(ctx, embedded.KafkaConfig{Dir: dir + "/kafka"})
	if err != nil {
		t.Fatal(err)
	}
	client := &kafkago.Client{Addr: kafkago.TCP(broker.Addr()), Transport: &kafkago.Transport{}}
	_, err = client.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{Topic: to, NumPartitions: len(all.records), ReplicationFactor: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	for partition, records := range all.records {
		kept := make([]kafkago.Record, 0, len(records))
		for i, r := range records {
			origin, err := telemetry.ParseHeaders(headersOf(r), telemetry.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if partition == 1 && taken.Producer == "" && i > len(records)/2 && len(r.Key) > 0 {
				taken = origin
				continue
			}
			kept = append(kept, recordOf(r))
		}
		for batch := range slices.Chunk(kept, 200) {
			resp, err := client.Produce(ctx, &kafkago.ProduceRequest{Topic: to, Partition: partition, RequiredAcks: kafkago.RequireAll, Records: kafkago.NewRecordReader(batch...)})
			if err != nil || resp.Error != nil {
				t.Fatal(err, resp)
			}
		}
	}
	if err := broker.Close(); err != nil {
		t.Fatal(err)
	}
	return taken
}

func headersOf(r traces.Record) []telemetry.Header {
	var headers []telemetry.Header
	for _, h := range r.Headers {
		headers = append(headers, telemetry.Header(h))
	}
	return headers
}

func recordOf(r traces.Record) kafkago.Record {
	out := kafkago.Record{Value: kafkago.NewBytes(r.Value)}
	if r.Key != nil {
		out.Key = kafkago.NewBytes(r.Key)
	}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, kafkago.Header(h))
	}
	return out
}
