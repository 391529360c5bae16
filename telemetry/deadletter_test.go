package telemetry_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
)

// FuzzReadDeadLetter feeds payloads of a spill file: errors and no panic.
func FuzzReadDeadLetter(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x01\x01t\x02fr\x01\x12cohort-dead-reason\x01x"))
	f.Add([]byte("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x00\x00\xff\xff\x03"))
	f.Add([]byte("\x01\x00\x00\x03\x11cohort-dead-class\x07expired\x11cohort-dead-topic\x01t\x10cohort-dead-time\x142026-01-02T03:04:05Z"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		l, err := telemetry.ReadDeadLetter(payload)
		if err != nil {
			if !errors.Is(err, telemetry.ErrNoDeadLetter) {
				t.Fatal(err)
			}
			return
		}
		if l.Class == "" || l.Topic == "" || l.Partition < -1 || l.Died.After(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("read %+v", l)
		}
	})
}
