package telemetry

import (
	"time"

	"github.com/cohort-rl/cohort/telemetry/hlc"
	telemetrypb "github.com/cohort-rl/cohort/telemetry/proto"
)

// message is an event on its way to the wire. The bodies that agents record all
// the time have their place in it, so that one message serves many events.
type message struct {
	event telemetrypb.Event

	decision     telemetrypb.Decision
	decisionBody telemetrypb.Event_Decision
	modelCall    telemetrypb.ModelCall
	modelBody    telemetrypb.Event_ModelCall
	toolCall     telemetrypb.ToolCall
	toolBody     telemetrypb.Event_ToolCall
	reward       telemetrypb.Reward
	rewardBody   telemetrypb.Event_Reward
}

// fill makes m the message of a checked event. It shares its slices.
func (m *message) fill(e Event) {
	m.event.Thread, m.event.Index, m.event.TimeUnixNano, m.event.Name = e.Thread, e.Index, e.Time.UnixNano(), e.Name
	m.event.Clock, m.event.ClockFlags = uint64(e.Clock), uint32(e.ClockFlags)
	for _, a := range e.Attributes {
		m.event.Attributes = append(m.event.Attributes, &telemetrypb.Attribute{Key: a.Key, Value: a.Value})
	}
	switch b := e.Body.(type) {
	case Start:
		m.event.Body = &telemetrypb.Event_Start{Start: &telemetrypb.Start{Task: b.Task}}
	case Decision:
		d := &m.decision
		d.Number, d.Policy, d.Width, d.Features, d.Chosen, d.LogProb = b.Number, b.Policy, b.Width, b.Features, b.Chosen, b.LogProb
		m.decisionBody.Decision, m.event.Body = d, &m.decisionBody
	case ModelCall:
		c := &m.modelCall
		c.Number, c.Policy, c.Model, c.Prompt, c.Response, c.LogProbs = b.Number, b.Policy, b.Model, b.Prompt, b.Response, b.LogProbs
		m.modelBody.ModelCall, m.event.Body = c, &m.modelBody
	case ToolCall:
		c := &m.toolCall
		c.Tool, c.Input, c.Output, c.DurationNano = b.Tool, b.Input, b.Output, int64(b.Duration)
		m.toolBody.ToolCall, m.event.Body = c, &m.toolBody
	case Reward:
		m.reward.Value = b.Value
		m.rewardBody.Reward, m.event.Body = &m.reward, &m.rewardBody
	case Error:
		m.event.Body = &telemetrypb.Event_Error{Error: errorToProto(b)}
	case End:
		m.event.Body = &telemetrypb.Event_End{End: &telemetrypb.End{Events: b.Events, Truncated: b.Truncated}}
	case State:
		m.event.Body = &telemetrypb.Event_State{State: &telemetrypb.State{
			Kind: telemetrypb.State_Kind(b.Kind), Reason: telemetrypb.State_Reason(b.Reason),
			Document: b.Document, Sha256: b.SHA256, Version: b.Version, Base: b.Base,
		}}
	case Marker:
		m.event.Body = &telemetrypb.Event_Marker{Marker: &telemetrypb.Marker{Nonce: b.Nonce, Job: b.Job}}
	case Final:
		m.event.Body = &telemetrypb.Event_Final{Final: &telemetrypb.Final{Sequences: b.Sequences}}
	case Tombstone:
		m.event.Body = &telemetrypb.Event_Tombstone{Tombstone: &telemetrypb.Tombstone{First: b.First, Count: b.Count, Reason: b.Reason}}
	}
}

// empty lets go of everything that the event shared.
func (m *message) empty() {
	m.event.Reset()
	m.decision.Reset()
	m.modelCall.Reset()
	m.toolCall.Reset()
	m.reward.Reset()
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
	case *telemetrypb.Event_Tombstone:
		return Tombstone{First: b.Tombstone.GetFirst(), Count: b.Tombstone.GetCount(), Reason: b.Tombstone.GetReason()}, nil
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
