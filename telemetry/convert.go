package telemetry

import (
	"time"

	"github.com/cohort-rl/cohort/telemetry/hlc"
	telemetrypb "github.com/cohort-rl/cohort/telemetry/proto"
)

// fromProto returns the event of a message. It shares its slices.
func fromProto(m *telemetrypb.Event) (Event, error) {
	body, err := bodyFromProto(m)
	if err != nil {
		return Event{}, err
	}
	e := Event{
		Thread: m.GetThread(), Index: m.GetIndex(), Time: time.Unix(0, m.GetTimeUnixNano()).UTC(), Name: m.GetName(),
		Clock: hlc.Stamp(m.GetClock()), ClockFlags: hlc.Flags(m.GetClockFlags()), Body: body,
	}
	for _, a := range m.GetAttributes() {
		e.Attributes = append(e.Attributes, Attribute{Key: a.GetKey(), Value: a.GetValue()})
	}
	return e, nil
}

func bodyFromProto(m *telemetrypb.Event) (Body, error) {
	switch b := m.GetBody().(type) {
	case *telemetrypb.Event_Start:
		return Start{Task: b.Start.GetTask()}, nil
	case *telemetrypb.Event_Decision:
		d := b.Decision
		return Decision{
			Number: d.GetNumber(), Policy: d.GetPolicy(), Width: d.GetWidth(),
			Features: d.GetFeatures(), Chosen: d.GetChosen(), LogProb: d.GetLogProb(),
		}, nil
	case *telemetrypb.Event_ModelCall:
		c := b.ModelCall
		return ModelCall{
			Number: c.GetNumber(), Policy: c.GetPolicy(), Model: c.GetModel(),
			Prompt: c.GetPrompt(), Response: c.GetResponse(), LogProbs: c.GetLogProbs(),
		}, nil
	case *telemetrypb.Event_ToolCall:
		c := b.ToolCall
		return ToolCall{
			Tool: c.GetTool(), Input: c.GetInput(), Output: c.GetOutput(), Duration: time.Duration(c.GetDurationNano()),
		}, nil
	case *telemetrypb.Event_Reward:
		return Reward{Value: b.Reward.GetValue()}, nil
	case *telemetrypb.Event_Error:
		return errorFromProto(b.Error), nil
	case *telemetrypb.Event_End:
		return End{Events: b.End.GetEvents(), Truncated: b.End.GetTruncated()}, nil
	case *telemetrypb.Event_State:
		return stateFromProto(b.State), nil
	case *telemetrypb.Event_Marker:
		return Marker{Nonce: b.Marker.GetNonce(), Job: b.Marker.GetJob()}, nil
	case *telemetrypb.Event_Final:
		return Final{Sequences: b.Final.GetSequences()}, nil
	case *telemetrypb.Event_Tombstone:
		return Tombstone{First: b.Tombstone.GetFirst(), Count: b.Tombstone.GetCount(), Reason: b.Tombstone.GetReason()}, nil
	default:
		return nil, ErrUnknownBody
	}
}

func errorFromProto(m *telemetrypb.Error) Error {
	e := Error{
		Class: m.GetClass(), Message: m.GetMessage(), Node: m.GetNode(),
		Duration: time.Duration(m.GetDurationNano()), Attempt: m.GetAttempt(),
	}
	for _, c := range m.GetCauses() {
		e.Causes = append(e.Causes, Cause{Class: c.GetClass(), Message: c.GetMessage()})
	}
	return e
}
