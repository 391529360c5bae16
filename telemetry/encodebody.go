package telemetry

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// bodySize is the number of a body's field and the size of its message.
func bodySize(body Body) (protowire.Number, int) {
	switch v := body.(type) {
	case Decision:
		return fieldDecision, sizeVarint(1, uint64(v.Number)) + sizeBytes(2, len(v.Policy)) + sizeVarint(3, uint64(v.Width)) +
			sizeBytes(4, 4*len(v.Features)) + sizeVarint(5, uint64(v.Chosen)) + sizeFloat(6, v.LogProb)
	case ModelCall:
		return fieldModelCall, sizeVarint(1, uint64(v.Number)) + sizeBytes(2, len(v.Policy)) + sizeBytes(3, len(v.Model)) +
			sizeBytes(4, sizeTokens(v.Prompt)) + sizeBytes(5, sizeTokens(v.Response)) + sizeBytes(6, 4*len(v.LogProbs))
	case ToolCall:
		return fieldToolCall, sizeBytes(1, len(v.Tool)) + sizeBytes(2, len(v.Input)) + sizeBytes(3, len(v.Output)) +
			sizeVarint(4, uint64(v.Duration)) //nolint:gosec // checked: not negative
	case Reward:
		return fieldReward, sizeFixed64(1, math.Float64bits(v.Value))
	case Start:
		return fieldStart, sizeBytes(1, len(v.Task))
	case End:
		return fieldEnd, sizeVarint(1, v.Events) + sizeVarint(2, bit(v.Truncated))
	case State:
		return fieldState, sizeVarint(1, uint64(v.Kind)) + sizeVarint(2, uint64(v.Reason)) + sizeBytes(3, len(v.Document)) +
			sizeBytes(4, len(v.SHA256)) + sizeVarint(5, v.Version) + sizeVarint(6, v.Base)
	case Error:
		return fieldError, errorSize(&v)
	case Marker:
		return fieldMarker, sizePair(v.Nonce, v.Job)
	case Final:
		return fieldFinal, sizeVarint(1, v.Sequences)
	case Tombstone:
		return fieldTombstone, sizeVarint(1, v.First) + sizeVarint(2, v.Count) + sizeBytes(3, len(v.Reason))
	}
	return 0, 0 // check lets no other body pass
}

// appendBody appends a body whose message has the given size.
func appendBody(b []byte, body Body, size int) []byte {
	switch v := body.(type) {
	case Decision:
		b = appendVarint(appendMessage(b, fieldDecision, size), 1, uint64(v.Number))
		b = appendVarint(appendBytes(b, 2, v.Policy), 3, uint64(v.Width))
		b = appendVarint(appendFloats(b, 4, v.Features), 5, uint64(v.Chosen))
		return appendFloat(b, 6, v.LogProb)
	case ModelCall:
		b = appendVarint(appendMessage(b, fieldModelCall, size), 1, uint64(v.Number))
		b = appendBytes(appendBytes(b, 2, v.Policy), 3, v.Model)
		return appendFloats(appendTokens(appendTokens(b, 4, v.Prompt), 5, v.Response), 6, v.LogProbs)
	case ToolCall:
		b = appendBytes(appendMessage(b, fieldToolCall, size), 1, v.Tool)
		b = appendBytes(appendBytes(b, 2, v.Input), 3, v.Output)
		return appendVarint(b, 4, uint64(v.Duration)) //nolint:gosec // checked: not negative
	case Reward:
		return appendFixed64(appendMessage(b, fieldReward, size), 1, math.Float64bits(v.Value))
	case Start:
		return appendBytes(appendMessage(b, fieldStart, size), 1, v.Task)
	case End:
		return appendVarint(appendVarint(appendMessage(b, fieldEnd, size), 1, v.Events), 2, bit(v.Truncated))
	case State:
		b = appendVarint(appendVarint(appendMessage(b, fieldState, size), 1, uint64(v.Kind)), 2, uint64(v.Reason))
		b = appendBytes(appendBytes(b, 3, v.Document), 4, v.SHA256)
		return appendVarint(appendVarint(b, 5, v.Version), 6, v.Base)
	case Error:
		return appendError(appendMessage(b, fieldError, size), &v)
	case Marker:
		return appendPair(b, fieldMarker, v.Nonce, v.Job)
	case Final:
		return appendVarint(appendMessage(b, fieldFinal, size), 1, v.Sequences)
	case Tombstone:
		b = appendVarint(appendMessage(b, fieldTombstone, size), 1, v.First)
		return appendBytes(appendVarint(b, 2, v.Count), 3, v.Reason)
	}
	return b
}

func errorSize(e *Error) int {
	size := sizeBytes(1, len(e.Class)) + sizeBytes(2, len(e.Message)) + sizeBytes(4, len(e.Node)) +
		sizeVarint(5, uint64(e.Duration)) + sizeVarint(6, uint64(e.Attempt)) //nolint:gosec // checked: not negative
	for _, c := range e.Causes {
		size += sizeMessage(3, sizePair(c.Class, c.Message))
	}
	return size
}

func appendError(b []byte, e *Error) []byte {
	b = appendBytes(appendBytes(b, 1, e.Class), 2, e.Message)
	for _, c := range e.Causes {
		b = appendPair(b, 3, c.Class, c.Message)
	}
	b = appendVarint(appendBytes(b, 4, e.Node), 5, uint64(e.Duration)) //nolint:gosec // checked: not negative
	return appendVarint(b, 6, uint64(e.Attempt))
}

func bit(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}
