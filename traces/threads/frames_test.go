package threads_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cohort-rl/cohort/telemetry"
	"github.com/cohort-rl/cohort/traces/threads"
)

func frame(t *testing.T, index uint64, body telemetry.Body) []byte {
	t.Helper()
	codec, err := telemetry.NewCodec(telemetry.DefaultLimits(), telemetry.None)
	if err != nil {
		t.Fatal(err)
	}
	e := telemetry.Event{Index: index, Time: time.Unix(int64(index), 0).UTC(), Name: "x", Body: body}
	switch body.(type) {
	case telemetry.Marker, telemetry.Final, telemetry.Tombstone:
	default:
		e.Thread = "thread"
	}
	f, err := codec.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFramesMakeThreadsAmongOTLP mixes frames with requests: each message is
// recognised by itself.
func TestFramesMakeThreadsAmongOTLP(t *testing.T) {
	t.Parallel()
	start, end := frame(t, 0, telemetry.Start{Task: "2 3 = 6"}), frame(t, 5, telemetry.End{Events: 6})
	call := frame(t, 1, telemetry.ModelCall{Model: "m", Prompt: []uint32{1}, Response: []uint32{2}, LogProbs: []float32{-1}})
	tool, reward := frame(t, 2, telemetry.ToolCall{Tool: "add"}), frame(t, 3, telemetry.Reward{Value: 0.5})
	choice := frame(t, 4, telemetry.Decision{Width: 1, Features: []float32{0, 1}, Chosen: 1, LogProb: -0.5})
	failed := frame(t, 3, telemetry.Error{Class: "c", Message: "broke"})
	export, err := os.ReadFile(filepath.Join(samples(), "otel-openai-v2", "t01-2turn.01.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		frames [][]byte
		want   string
	}{
		{"whole", [][]byte{start, call, tool, reward, choice, end}, "complete"},
		{"backwards and twice", [][]byte{end, end, choice, reward, tool, call, start, start}, "complete"},
		{"no end", [][]byte{start, call}, "open: no end event yet"},
		{"an event missing", [][]byte{start, call, reward, choice, end}, "orphaned: events are missing"},
		{"two events of one index", [][]byte{start, call, tool, reward, failed, choice, end}, "corrupt: events contradict each other"},
		{"a failure", [][]byte{start, call, tool, failed, choice, end}, "errored: the agent failed"},
	} {
		all := made(t, rules(), append(c.frames, export, frame(t, 0, telemetry.Marker{Nonce: "n", Job: "j"}))...)
		if len(all) != 2 || all[0].ID != "thread" || all[1].ID != "sess-t01-2turn" {
			t.Fatalf("%s: %d threads", c.name, len(all))
		}
		got := string(all[0].State)
		if all[0].Reason != "" {
			got += ": " + all[0].Reason
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if c.want != "complete" {
			continue
		}
		if n := all[0].Counts; n.ModelCalls != 1 || n.ToolCalls != 1 || n.Decisions != 1 || n.Rewards != 1 || n.WithTokens != 1 || n.WithLogProbs != 1 || all[0].Task != "2 3 = 6" {
			t.Errorf("%s: %+v of the task %q", c.name, n, all[0].Task)
		}
	}
}

// TestWhatCannotBeReadIsSetAsideByPlace keeps what lies around it.
func TestWhatCannotBeReadIsSetAsideByPlace(t *testing.T) {
	t.Parallel()
	g, err := threads.NewGathering(rules())
	if err != nil {
		t.Fatal(err)
	}
	broken := frame(t, 0, telemetry.Start{})
	broken[len(broken)-1] ^= 1
	for i, b := range [][]byte{body(t, span(1, 0)), []byte("junk"), broken, body(t, span(2, 1), span(0, 1)), nil} {
		if err := g.Take(threads.Message{Place: threads.Place{Source: "topic", Partition: 3, Offset: int64(i)}, Body: b}); err != nil {
			t.Fatal(err)
		}
	}
	all, tally, err := g.Threads()
	if err != nil || len(all) != 1 || all[0].Spans != 2 || tally.Messages != 5 || tally.Spans != 2 || tally.SetAside != 4 || len(tally.Aside) != 4 {
		t.Fatalf("%d threads, %+v, %v", len(all), tally, err)
	}
	for i, a := range tally.Aside {
		if a.Offset != int64(i)+1 || a.Partition != 3 || a.Reason == "" {
			t.Errorf("set aside %d: %+v", i, a)
		}
	}
	if _, _, err := func() ([]threads.Thread, threads.Tally, error) {
		g, err := threads.NewGathering(rules())
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Take(threads.Message{Body: []byte("junk")}); err != nil {
			t.Fatal(err)
		}
		return g.Threads()
	}(); err == nil {
		t.Error("nothing could be read, and that is no error")
	}
}
