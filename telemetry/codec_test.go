package telemetry_test

import (
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/telemetry/hlc"
	"github.com/cohort-rl/cohort/telemetry/state"
)

func noon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 123456789, time.UTC) }

func newCodec(tb testing.TB, limits telemetry.Limits, compression telemetry.Compression) *telemetry.Codec {
	tb.Helper()
	codec, err := telemetry.NewCodec(limits, compression)
	if err != nil {
		tb.Fatal(err)
	}
	return codec
}

// sampleEvents has one event of each body.
func sampleEvents() []telemetry.Event {
	bodies := []telemetry.Body{
		telemetry.Start{Task: "task-7"},
		telemetry.Decision{Number: 3, Policy: "abcd", Width: 2, Features: []float32{1, 2, -3, 0.5}, Chosen: 1, LogProb: -0.25},
		telemetry.ModelCall{Number: 1, Policy: "p", Model: "m", Prompt: []uint32{1, 70000}, Response: []uint32{9}, LogProbs: []float32{-1.5}},
		telemetry.ToolCall{Tool: "calculator", Input: []byte("1+1"), Output: []byte{0xff, 0}, Duration: time.Second},
		telemetry.Reward{Value: 0.1},
		telemetry.Error{Class: "timeout", Message: "no answer\nin time", Causes: []telemetry.Cause{{Class: "net", Message: "reset"}}, Node: "plan", Duration: time.Minute, Attempt: 2},
		telemetry.End{Events: 7},
		telemetry.End{Events: 8, Truncated: true},
		telemetry.State{Kind: state.Patch, Document: []byte("[]"), SHA256: make([]byte, 32), Version: 9, Base: 8},
		telemetry.State{Kind: state.Full, Reason: state.PatchFailed, Document: []byte("1"), SHA256: make([]byte, 32), Version: 1},
		telemetry.Marker{Nonce: "n0", Job: "j0"},
		telemetry.Final{Sequences: 12},
		telemetry.Tombstone{First: 3, Count: 9, Reason: "out of budget"},
	}
	events := make([]telemetry.Event, len(bodies))
	for i, body := range bodies {
		e := telemetry.Event{Thread: "job/1/2/3/nonce", Index: uint64(i), Time: noon(), Clock: hlc.Stamp(1<<63 + 7), ClockFlags: hlc.JumpedBack, Name: "move", Body: body}
		switch body.(type) {
		case telemetry.Marker, telemetry.Final, telemetry.Tombstone:
			e.Thread = ""
		case telemetry.Start:
			e.Attributes = []telemetry.Attribute{{Key: "b", Value: "2"}, {Key: "a", Value: ""}}
		}
		events[i] = e
	}
	return events
}

func TestEveryBodySurvivesTheFrame(t *testing.T) {
	t.Parallel()
	for _, compression := range []telemetry.Compression{telemetry.None, telemetry.Zstd} {
		codec := newCodec(t, telemetry.DefaultLimits(), compression)
		for _, want := range sampleEvents() {
			frame, err := codec.Encode(want)
			if err != nil {
				t.Fatalf("encode %T: %v", want.Body, err)
			}
			got, err := codec.Decode(frame)
			if err != nil {
				t.Fatalf("decode %T: %v", want.Body, err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%T came back as %+v, want %+v", want.Body, got, want)
			}
		}
	}
}

func TestEventOutOfBoundsIsRefusedByName(t *testing.T) {
	t.Parallel()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	cases := map[string]telemetry.Event{
		"thread is empty":                      {Body: telemetry.Start{}},
		"belongs to no thread":                 {Thread: "t", Body: telemetry.Marker{Nonce: "n"}},
		"unknown event body":                   {Thread: "t"},
		"thread has a control character":       {Thread: "a\nb", Body: telemetry.Start{}},
		"name is not UTF-8":                    {Thread: "t", Name: "\xff", Body: telemetry.Start{}},
		"name has 513 bytes":                   {Thread: "t", Name: strings.Repeat("n", 513), Body: telemetry.Start{}},
		"time is outside":                      {Thread: "t", Time: time.Unix(-1, 0), Body: telemetry.Start{}},
		`attribute "k" is given twice`:         {Thread: "t", Attributes: []telemetry.Attribute{{Key: "k"}, {Key: "k"}}, Body: telemetry.Start{}},
		"attribute 0 has no key":               {Thread: "t", Attributes: []telemetry.Attribute{{}}, Body: telemetry.Start{}},
		"65 attributes":                        {Thread: "t", Attributes: make([]telemetry.Attribute, 65), Body: telemetry.Start{}},
		"width 0":                              {Thread: "t", Body: telemetry.Decision{}},
		"3 features are no rows of 2":          {Thread: "t", Body: telemetry.Decision{Width: 2, Features: make([]float32, 3)}},
		"0 features are no rows of 2":          {Thread: "t", Body: telemetry.Decision{Width: 2}},
		"chose candidate 1 of 1":               {Thread: "t", Body: telemetry.Decision{Width: 2, Features: make([]float32, 2), Chosen: 1}},
		"feature 1 is NaN":                     {Thread: "t", Body: telemetry.Decision{Width: 2, Features: []float32{0, nan}}},
		"log-probability 0 is +Inf":            {Thread: "t", Body: telemetry.Decision{Width: 1, Features: []float32{0}, LogProb: inf}},
		"0 log-probabilities for 1 response":   {Thread: "t", Body: telemetry.ModelCall{Response: []uint32{1}}},
		"reward is NaN":                        {Thread: "t", Body: telemetry.Reward{Value: math.NaN()}},
		"reward is -Inf":                       {Thread: "t", Body: telemetry.Reward{Value: math.Inf(-1)}},
		"error has no class":                   {Thread: "t", Body: telemetry.Error{Message: "m"}},
		"duration is negative":                 {Thread: "t", Body: telemetry.ToolCall{Duration: -1}},
		"an end counts at least itself":        {Thread: "t", Body: telemetry.End{}},
		"a tombstone of 0 sequences from 4":    {Body: telemetry.Tombstone{First: 4}},
		"a tombstone of 2 sequences from 184":  {Body: telemetry.Tombstone{First: math.MaxUint64, Count: 2}},
		"marker has no nonce":                  {Body: telemetry.Marker{}},
		"state: kind is 0":                     {Thread: "t", Body: telemetry.State{}},
		"version 2 has base 2":                 {Thread: "t", Body: telemetry.State{Kind: state.Patch, SHA256: make([]byte, 32), Version: 2, Base: 2}},
		"state is over the limit: document of": {Thread: "t", Body: telemetry.State{Kind: state.Full, Reason: state.First, Document: make([]byte, 1<<20)}},
		"message of cause 0 is not UTF-8":      {Thread: "t", Body: telemetry.Error{Class: "c", Causes: []telemetry.Cause{{Message: "\xff"}}}},
		"attributes of 65537 bytes":            {Thread: "t", Attributes: []telemetry.Attribute{{Key: "k", Value: strings.Repeat("v", 65536)}}, Body: telemetry.Start{}},
		"event of 921624 bytes is over the li": {Thread: "t", Time: time.Unix(0, 0), Body: telemetry.ToolCall{Input: make([]byte, 921612)}},
	}
	codec := newCodec(t, telemetry.DefaultLimits(), telemetry.None)
	for want, e := range cases {
		if e.Time.IsZero() {
			e.Time = noon()
		}
		if _, err := codec.Encode(e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("encode says %v, want %q", err, want)
		}
	}
}

// What the writer accepts the reader accepts, compressible or not, and what
// the writer refuses for its size it refuses with sizes.
func TestAcceptedEventIsReadableUnderTheSameLimits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limits := telemetry.DefaultLimits()
		limits.EventBytes = rapid.IntRange(1, 4096).Draw(t, "event bytes")
		limits.FrameBytes = rapid.IntRange(21, 4096).Draw(t, "frame bytes")
		codec, err := telemetry.NewCodec(limits, rapid.SampledFrom([]telemetry.Compression{telemetry.None, telemetry.Zstd}).Draw(t, "compression"))
		if err != nil {
			t.Fatal(err)
		}
		input := rapid.SliceOfN(rapid.Byte(), 0, 600).Draw(t, "incompressible")
		input = append(input, make([]byte, rapid.IntRange(0, 4000).Draw(t, "compressible"))...)
		e := telemetry.Event{Thread: "t", Time: noon(), Body: telemetry.ToolCall{Tool: "x", Input: input}}
		frame, err := codec.Encode(e)
		if tooLarge, ok := errors.AsType[*telemetry.PayloadTooLarge](err); ok {
			if tooLarge.Size <= tooLarge.Max {
				t.Fatalf("refused %d bytes where %d are allowed", tooLarge.Size, tooLarge.Max)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := codec.Decode(frame)
		if err != nil {
			t.Fatalf("decode an accepted frame of %d bytes: %v", len(frame), err)
		}
		if got.Body.(telemetry.ToolCall).Tool != "x" || len(got.Body.(telemetry.ToolCall).Input) != len(input) {
			t.Fatal("another event came back")
		}
	})
}

// The wire form is fixed: a reader of another language depends on each byte.
func TestWireFormIsFixed(t *testing.T) {
	t.Parallel()
	frame, err := newCodec(t, telemetry.DefaultLimits(), telemetry.None).Encode(telemetry.Event{
		Thread: "t", Index: 2, Time: time.Unix(1, 0), Name: "move",
		Body: telemetry.Decision{Number: 1, Policy: "p", Width: 1, Features: []float32{0, 1}, Chosen: 1, LogProb: -0.5},
	})
	const want = "43485254010000002c0000002c0000009ae0c4c30a01741002188094ebdc0322046d6f76658a0118080112017018012208000000000000803f280135000000bf"
	if got := hex.EncodeToString(frame); err != nil || got != want {
		t.Errorf("frame is %s, %v, want %s", got, err, want)
	}
}

// Names are looked at eight characters at a time: each character is seen at each
// place.
func TestControlCharactersAreFoundWhereverTheyStand(t *testing.T) {
	t.Parallel()
	codec := newCodec(t, telemetry.DefaultLimits(), telemetry.None)
	e := sampleEvents()[4]
	for place := range 19 {
		for c := range 256 {
			for _, around := range []string{" ", "m", "~"} {
				name := []byte(strings.Repeat(around, 19))
				name[place] = byte(c)
				e.Name = string(name)
				_, err := codec.Encode(e)
				if good := c >= ' ' && c <= '~'; good != (err == nil) || err != nil && !errors.Is(err, telemetry.ErrInvalidEvent) {
					t.Fatalf("character %#x at %d among %q: %v", c, place, around, err)
				}
			}
		}
	}
}

func TestKindsAreThoseOfAllBodies(t *testing.T) {
	t.Parallel()
	said := []string{telemetry.KindNode}
	for _, e := range sampleEvents() {
		if !slices.Contains(said, e.Kind()) {
			said = append(said, e.Kind())
		}
	}
	if got, want := slices.Sorted(slices.Values(telemetry.Kinds())), slices.Sorted(slices.Values(said)); !slices.Equal(got, want) {
		t.Errorf("kinds are %v, those of the bodies %v", got, want)
	}
}
