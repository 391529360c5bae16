package job

import "time"

// Action is what a control record asks for.
type Action string

// ActionCancel asks for the job's end.
const ActionCancel Action = "cancel"

// Control is a numbered request to a job. It is durable, and asking twice is
// asking once.
type Control struct {
	Format string    `json:"format"`
	Action Action    `json:"action"`
	Reason string    `json:"reason,omitempty"`
	Nonce  string    `json:"nonce"`
	At     time.Time `json:"at"`
}
