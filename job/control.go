package job

import "time"

// Action is what a control record asks for.
type Action string

// What can be asked for: the job's end, that it stands still, that it goes on.
const (
	ActionCancel Action = "cancel"
	ActionPause  Action = "pause"
	ActionResume Action = "resume"
)

// Control is a numbered request to a job. It is durable, and asking twice is
// asking once. A cancel counts whatever follows it; of pauses and resumptions
// the last one does.
type Control struct {
	Format string    `json:"format"`
	Action Action    `json:"action"`
	Reason string    `json:"reason,omitempty"`
	Nonce  string    `json:"nonce"`
	At     time.Time `json:"at"`
}
