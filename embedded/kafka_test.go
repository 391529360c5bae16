package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/embedded"
)

const (
	partitions = 2
	records    = 50 // in each partition
)

func valueAt(partition, offset int) string {
	return fmt.Sprintf("partition %d offset %d", partition, offset)
}

func fill(ctx context.Context, c *kafka.Client) error {
	if err := createTopic(ctx, c, partitions); err != nil {
		return err
	}
	for offset := range records {
		for partition := range partitions {
			got, err := produce(ctx, c, partition, valueAt(partition, offset))
			if err != nil {
				return err
			}
			if got != int64(offset) {
				return fmt.Errorf("acknowledged at offset %d instead of %d", got, offset)
			}
		}
	}
	return nil
}

// produceAndDie runs a broker in dir, writes to it, and ends its own process
// with a signal that it cannot catch right after the last acknowledgement.
func produceAndDie(dir string) error {
	broker, err := embedded.StartKafka(context.Background(), embedded.KafkaConfig{Dir: dir})
	if err != nil {
		return err
	}
	c, _ := newClient(broker)
	if err := fill(context.Background(), c); err != nil {
		return err
	}
	return syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// wantLog fails unless every partition holds what fill wrote and goes on from there.
func wantLog(t *testing.T, c *kafka.Client) {
	t.Helper()
	for partition := range partitions {
		got, err := values(t.Context(), c, partition, records)
		if err != nil {
			t.Fatal(err)
		}
		for offset, value := range got {
			if value != valueAt(partition, offset) {
				t.Fatalf("partition %d offset %d holds %q", partition, offset, value)
			}
		}
		next, err := produce(t.Context(), c, partition, "next")
		if err != nil {
			t.Fatal(err)
		}
		if next != records {
			t.Errorf("partition %d goes on at offset %d instead of %d", partition, next, records)
		}
	}
}

func TestKilledKafkaFindsItsLogAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0])
	child.Env = append(os.Environ(), victim+"="+dir)
	out, err := child.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("child was not killed: %v\n%s", err, out)
	}
	wantLog(t, client(t, startKafka(t, dir)))
}

func TestClosedKafkaFindsItsLogAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startKafka(t, dir)
	if err := fill(t.Context(), client(t, first)); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	wantLog(t, client(t, startKafka(t, dir)))
}

func TestTornRecordIsCutOffAndTheRestIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startKafka(t, dir)
	if err := fill(t.Context(), client(t, first)); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	tearLastRecord(t, dir)

	c := client(t, startKafka(t, dir))
	got, err := values(t.Context(), c, 0, records-1)
	if err != nil {
		t.Fatal(err)
	}
	if last := got[len(got)-1]; last != valueAt(0, records-2) {
		t.Errorf("the last whole record is %q", last)
	}
	next, err := produce(t.Context(), c, 0, "again")
	if err != nil {
		t.Fatal(err)
	}
	if next != records-1 {
		t.Errorf("partition goes on at offset %d instead of %d", next, records-1)
	}
}

// tearLastRecord cuts some bytes off the end of partition 0.
func tearLastRecord(t *testing.T, dir string) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(dir, "partitions", topic+"-0", "*.dat"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	last := slices.Max(segments)
	info, err := os.Stat(last)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(last, info.Size()-5); err != nil {
		t.Fatal(err)
	}
}

func TestTopicThatNobodyCreatedIsUnknown(t *testing.T) {
	t.Parallel()
	c := client(t, startKafka(t, t.TempDir()))
	if _, err := produce(t.Context(), c, 0, "x"); err == nil {
		t.Error("a record was taken for a topic that is not there")
	}
	answer, err := c.Metadata(t.Context(), &kafka.MetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Topics) != 0 {
		t.Errorf("broker made topics: %v", answer.Topics)
	}
}

func TestKafkaNeedsAFolderAndAFreePort(t *testing.T) {
	t.Parallel()
	if _, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{}); err == nil {
		t.Error("started without a folder")
	}
	port := portOf(t, startKafka(t, t.TempDir()).Addr())
	if _, err := embedded.StartKafka(t.Context(), embedded.KafkaConfig{Port: port, Dir: t.TempDir()}); err == nil {
		t.Error("started on a port that is taken")
	}
}
