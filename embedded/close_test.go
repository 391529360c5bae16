package embedded_test

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

func TestCloseEndsAFetchThatWaits(t *testing.T) {
	t.Parallel()
	broker := startKafka(t, t.TempDir())
	c := client(t, broker)
	if err := fill(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := c.Fetch(t.Context(), &kafka.FetchRequest{
			Topic: topic, Partition: 0, Offset: records,
			MinBytes: 1 << 20, MaxBytes: 1 << 20, MaxWait: time.Minute,
		})
		ended <- err
	}()
	begin := time.Now()
	if err := broker.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a fetch beyond the end was answered")
		}
	case <-time.After(8 * time.Second):
		t.Fatalf("a fetch still waits %v after Close", time.Since(begin))
	}
	if err := broker.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}
