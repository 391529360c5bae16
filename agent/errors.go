package agent

import (
	"errors"
	"fmt"
)

// What an attempt can end in besides an answer; see also Failed. The context's
// own error, when the caller gave up, is none of them.
var (
	// ErrWeather says that no agent is known to have accepted the attempt, or
	// that it could not be made for reasons that are not the agent's. It is
	// tried again and decides nothing.
	ErrWeather = errors.New("agent could not be reached")
	// ErrBroke says that the agent had accepted the attempt when the connection
	// broke. Whether that was weather shows when it happens again.
	ErrBroke = errors.New("agent accepted the rollout and then broke the connection")
	// ErrTimedOut says that the agent had accepted the attempt and did not end
	// it in its time.
	ErrTimedOut = errors.New("agent did not answer in its time")
	// ErrUnavailable is what an agent's function wraps when it lost the policy
	// or the broker; Handler answers 503, and the attempt is weather.
	ErrUnavailable = errors.New("policy or broker is not available to the agent")
)

// Failed is the agent's own failure: it answered that the attempt failed, or
// answered something that the contract does not know. An agent's function
// returns one to name the class of its failure.
type Failed struct { //nolint:errname // agent.Failed is what the agent has
	Status int // of the HTTP response; 0 inside an agent
	Failure
}

func (f *Failed) Error() string {
	if f.Message == "" {
		return "agent failed: " + f.Class
	}
	return fmt.Sprintf("agent failed: %s: %s", f.Class, f.Message)
}

// Is makes a failure of ClassTimedOut an ErrTimedOut.
func (f *Failed) Is(target error) bool {
	return target == ErrTimedOut && f.Class == ClassTimedOut
}

// ErrorClass is the class under which package telemetry records the failure.
func (f *Failed) ErrorClass() string { return f.Class }
