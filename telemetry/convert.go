package telemetry

import (
	"time"

	"github.com/cohort-rl/cohort/telemetry/hlc"
	telemetrypb "github.com/cohort-rl/cohort/telemetry/proto"
)

// toProto returns the message of a checked event. It shares its slices.
func toProto(e Event) *telemetrypb.Event {
	m := &telemetrypb.Event{
		Thread: e.Thread, Index: e.Index, TimeUnixNano: e.Time.UnixNano(), Name: e.Name,
		Clock: uint64(e.Clock), ClockFlags: uint32(e.ClockFlags),
	}
	for _, a := range e.Attributes {
		m.Attributes = append(m.Attributes, &telemetrypb.Attribute{Key: a.Key, Value: a.Value})
	}
	switch b := e.Body.(type) {
	case Start:
		m.Body = &telemetrypb.Event_Start{Start: &telemetrypb.Start{Task: b.Task}}
	case Decision:
		m.Body = &telemetrypb.Event_Decision{Decision: &telemetrypb.Decision{
			Number: b.Number, Policy: b.Policy, Width: b.Width, Features: b.Features, Chosen: b.Chosen, LogProb: b.LogProb,
		}}
	case ModelCall:
		m.Body = &telemetrypb.Event_ModelCall{ModelCall: &telemetrypb.ModelCall{
			Number: b.Number, Policy: b.Policy, Model: b.Model, Prompt: b.Prompt, Response: b.Response, LogProbs: b.LogProbs,
		}}
	case ToolCall:
		m.Body = &telemetrypb.Event_ToolCall{ToolCall: &telemetrypb.ToolCall{
			Tool: b.Tool, Input: b.Input, Output: b.Output, DurationNano: int64(b.Duration),
		}}
	case Reward:
		m.Body = &telemetrypb.Event_Reward{Reward: &telemetrypb.Reward{Value: b.Value}}
	case Error:
		m.Body = &telemetrypb.Event_Error{Error: errorToProto(b)}
	case End:
		m.Body = &telemetrypb.Event_End{End: &telemetrypb.End{Events: b.Events, Truncated: b.Truncated}}
	case State:
		m.Body = &telemetrypb.Event_State{State: &telemetrypb.State{
			Kind: telemetrypb.State_Kind(b.Kind), Reason: telemetrypb.State_Reason(b.Reason),
			Document: b.Document, Sha256: b.SHA256, Version: b.Version, Base: b.Base,
		}}
	case Marker:
		m.Body = &telemetrypb.Event_Marker{Marker: &telemetrypb.Marker{Nonce: b.Nonce, Job: b.Job}}
	case Final:
		m.Body = &telemetrypb.Event_Final{Final: &telemetrypb.Final{Sequences: b.Sequences}}
	}
	return m
}

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
	default:
		return nil, ErrUnknownBody
	}
}

func errorToProto(e Error) *telemetrypb.Error {
	m := &telemetrypb.Error{
		Class: e.Class, Message: e.Message, Node: e.Node, DurationNano: int64(e.Duration), Attempt: e.Attempt,
	}
	for _, c := range e.Causes {
		m.Causes = append(m.Causes, &telemetrypb.Cause{Class: c.Class, Message: c.Message})
	}
	return m
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
