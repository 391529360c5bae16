package telemetry_test

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/cohort-rl/cohort/telemetry"
	telemetrypb "github.com/cohort-rl/cohort/telemetry/proto"
)

// edgeEvents have zero values, which are left out, and the widest numbers.
func edgeEvents() []telemetry.Event {
	const all = math.MaxUint32
	bodies := []telemetry.Body{
		telemetry.Start{},
		telemetry.Decision{Width: 1, Features: []float32{float32(math.Copysign(0, -1))}, LogProb: float32(math.Copysign(0, -1))},
		telemetry.Decision{Number: all, Width: all, Features: make([]float32, 0), Chosen: all},
		telemetry.ModelCall{},
		telemetry.ModelCall{Number: all, Prompt: []uint32{0, 127, 128, all}, Response: []uint32{1 << 14, 1 << 21}, LogProbs: []float32{0, -1}},
		telemetry.ToolCall{},
		telemetry.ToolCall{Tool: "größe", Input: make([]byte, 200), Duration: math.MaxInt64},
		telemetry.Reward{},
		telemetry.Reward{Value: math.Copysign(0, -1)},
		telemetry.Error{Class: "c", Causes: []telemetry.Cause{{}, {Class: "a"}, {Message: string(make([]byte, 300))}}, Duration: 1, Attempt: all},
		telemetry.End{Events: math.MaxUint64, Truncated: true},
		telemetry.Marker{Nonce: "n"},
		telemetry.Final{},
		telemetry.Final{Sequences: math.MaxUint64},
		telemetry.Tombstone{First: math.MaxUint64 - 1, Count: 1},
	}
	var events []telemetry.Event
	for i, body := range bodies {
		e := telemetry.Event{Thread: "t", Time: time.Unix(0, 0).UTC(), Body: body}
		switch body.(type) {
		case telemetry.Marker, telemetry.Final, telemetry.Tombstone:
			e.Thread = ""
		}
		if i%2 == 0 {
			e.Index, e.Time, e.Clock, e.ClockFlags = math.MaxUint64, time.Unix(0, math.MaxInt64).UTC(), 1, 15
			e.Attributes = []telemetry.Attribute{{Key: "k", Value: string(bytes.Repeat([]byte("v"), 1000))}}
		}
		events = append(events, e)
	}
	return events
}

// Any reader of protobuf gets the message, and the generated code would have
// written the same bytes.
func TestFramesHoldWhatProtobufWrites(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, telemetry.DefaultLimits(), telemetry.None)
	n := 0
	for _, e := range append(sampleEvents(), edgeEvents()...) {
		frame, err := codec.Encode(e)
		if err != nil {
			continue // an edge that is out of bounds
		}
		n++
		var message telemetrypb.Event
		if err := proto.Unmarshal(frame[20:], &message); err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		if len(message.ProtoReflect().GetUnknown()) > 0 {
			t.Errorf("%+v has fields of no meaning", e)
		}
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(&message)
		if err != nil || !bytes.Equal(frame[20:], want) {
			t.Errorf("%+v is\n%x, %v, protobuf writes\n%x", e, frame[20:], err, want)
		}
		back, err := codec.Decode(frame)
		if err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		if !reflect.DeepEqual(back, e) {
			t.Errorf("%+v came back as %+v", e, back)
		}
	}
	if n < len(sampleEvents())+10 {
		t.Errorf("only %d events could be written", n)
	}
}

func TestOutlineIsThatOfTheEvent(t *testing.T) {
	t.Parallel()
	for _, compression := range []telemetry.Compression{telemetry.None, telemetry.Zstd} {
		codec := newCodec(t, telemetry.DefaultLimits(), compression)
		for _, e := range append(sampleEvents(), edgeEvents()...) {
			frame, err := codec.Encode(e)
			if err != nil {
				continue
			}
			checkOutline(t, codec, frame)
			for at := range frame {
				broken := bytes.Clone(frame)
				broken[at] ^= 0x41
				if err := codec.Outline(broken, &telemetry.Outline{}); err == nil {
					t.Errorf("%T: byte %d is another and nobody noticed", e.Body, at)
				}
			}
		}
	}
}

// A body that is no message is none for the outline either, though its fields
// are not looked at.
func TestOutlineRefusesWhatIsNoMessage(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, telemetry.DefaultLimits(), telemetry.None)
	thread := []byte{1<<3 | 2, 1, 't'}
	decision := []byte{17<<3&0x7f | 2 | 0x80, 17 >> 4}
	for name, event := range map[string][]byte{
		"no body":              thread,
		"half a body":          append(bytes.Clone(thread), append(decision, 5, 8)...),
		"a body cut off":       append(bytes.Clone(thread), append(decision, 2, 8, 0x80)...),
		"two bodies":           append(bytes.Clone(thread), append(bytes.Clone(decision), append([]byte{2, 24, 1}, append(decision, 2, 24, 1)...)...)...),
		"no thread":            append(bytes.Clone(decision), 2, 24, 1),
		"a line in the thread": append([]byte{1<<3 | 2, 1, '\n'}, append(bytes.Clone(decision), 2, 24, 1)...),
		"a later body":         append(bytes.Clone(thread), 60<<3&0x7f|2|0x80, 60>>4, 0),
	} {
		n := uint32(len(event)) //nolint:gosec // a few bytes
		if err := codec.Outline(rawFrame(1, 0, n, n, event), &telemetry.Outline{}); err == nil {
			t.Errorf("%s is taken for an event", name)
		}
	}
}

// checkOutline: what decodes has its outline, and what has none does not decode.
func checkOutline(tb testing.TB, codec *telemetry.Codec, frame []byte) {
	tb.Helper()
	e, err := codec.Decode(frame)
	if err != nil {
		_ = codec.Outline(frame, &telemetry.Outline{}) // no panic
		return
	}
	want := telemetry.Outline{Thread: e.Thread, Index: e.Index}
	switch e.Body.(type) {
	case telemetry.End, telemetry.Marker, telemetry.Final, telemetry.Tombstone:
		want.Body = e.Body
	}
	got := telemetry.Outline{Thread: "of another", Index: 99, Body: telemetry.Final{}}
	if err := codec.Outline(frame, &got); err != nil || !reflect.DeepEqual(got, want) {
		tb.Errorf("outline %+v, %v, want %+v", got, err, want)
	}
}
