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
		{"failed", "Events that were given up and reported.", false, func(a accounts) uint64 { return a.Failed }},
		{"queued", "Events that wait or are in a request under way.", true, func(a accounts) uint64 { return a.Queued }},
		{"uncertain", "Events of which an answer was lost: the log may have them more often than once, or although they failed.", false, func(a accounts) uint64 { return a.Uncertain }},
		{"dropped", "Events that found the queue full and were refused by choice.", false, func(a accounts) uint64 { return a.Dropped }},
	}
}
