package telemetry_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/cohort-rl/cohort/telemetry"
)

// Messages are used again for later events: nothing of an earlier one may stay.
func TestFrameDependsOnNoEarlierEvent(t *testing.T) {
	t.Parallel()
	events := sampleEvents()
	var want [][]byte
	for _, e := range events {
		frame, err := newCodec(t, telemetry.DefaultLimits(), telemetry.None).Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, frame)
	}
	codec := newCodec(t, telemetry.DefaultLimits(), telemetry.None)
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for n := range 20 * len(events) {
				i := (n*(2*w+1) + w) % len(events)
				if frame, err := codec.Encode(events[i]); err != nil || !bytes.Equal(frame, want[i]) {
					t.Errorf("%T after other events: %x, %v, want %x", events[i].Body, frame, err, want[i])
					return
				}
			}
		})
	}
	writers.Wait()
}

func TestEncodeAllocatesTheFrameAlone(t *testing.T) {
	codec := newCodec(t, telemetry.DefaultLimits(), telemetry.None)
	for _, e := range sampleEvents()[1:5] { // what agents record all the time
		if n := testing.AllocsPerRun(200, func() {
			if _, err := codec.Encode(e); err != nil {
				t.Fatal(err)
			}
		}); n > 1 {
			t.Errorf("%T: %v allocations, want the frame's", e.Body, n)
		}
	}
}
