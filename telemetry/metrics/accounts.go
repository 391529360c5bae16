package metrics

import "github.com/cohort-rl/cohort/telemetry"

// row is a number of telemetry.Accounts: its name is the field's in JSON.
type row struct {
	name, help string
	gauge      bool
	value      func(telemetry.Accounts) uint64
}

// rows has every number of the accounts.
func rows() []row {
	type accounts = telemetry.Accounts
	return []row{
		{"admitted", "Events that the producer took.", false, func(a accounts) uint64 { return a.Admitted }},
		{"acknowledged", "Events that are in the log on all in-sync replicas.", false, func(a accounts) uint64 { return a.Acknowledged }},
		{"dead_lettered", "Events that are in the dead letters' topic on all in-sync replicas.", false, func(a accounts) uint64 { return a.DeadLettered }},
		{"spilled", "Events that are in the spill file and wait for their replay.", true, func(a accounts) uint64 { return a.Spilled }},
		{"failed", "Events that were given up, are in no dead letter, and were reported.", false, func(a accounts) uint64 { return a.Failed }},
		{"queued", "Events that wait, for the log or for the dead letters, or are in a request under way.", true, func(a accounts) uint64 { return a.Queued }},
		{"uncertain", "Events of which an answer was lost: the log may have them more often than once, or although they ended elsewhere.", false, func(a accounts) uint64 { return a.Uncertain }},
		{"dropped", "Events that found the queue full and were refused by choice.", false, func(a accounts) uint64 { return a.Dropped }},
		{"refused", "Events that the limits or the rate limit refused.", false, func(a accounts) uint64 { return a.Refused }},
		{"discarded", "Refused events that became no dead letters.", false, func(a accounts) uint64 { return a.Discarded }},
		{"replayed", "Records of the spill file that were sent back where they belong.", false, func(a accounts) uint64 { return a.Replayed }},
		{"overwritten", "Records that a full spill file forgot by choice.", false, func(a accounts) uint64 { return a.Overwritten }},
	}
}
