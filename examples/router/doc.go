// Package router is an example of learning from traces that exist already. A
// support agent answers tickets; for each it chooses one of three routes, a small
// model, a large model, or a search in the documentation before the small model.
// It chose at random with fixed probabilities, and its OpenTelemetry spans say
// what it chose, how likely that was, and what the customer made of the answer.
// From these an offline job trains a policy that chooses by the ticket.
package router

import "github.com/cohort-rl/cohort/numerics"

// A Route is one way to answer a ticket.
type Route struct {
	Name string
	// Chance is how likely the agent that logged the traces takes it.
	Chance float64
	// Cost is what it costs, in the unit of the reward.
	Cost float64
}

// Routes are the candidates of every decision, in their order.
func Routes() []Route {
	return []Route{{"small-model", 0.5, 0.02}, {"large-model", 0.3, 0.25}, {"search", 0.2, 0.1}}
}

// A Ticket is what a customer asks, by what the agent knows of it.
type Ticket struct {
	Task string
	// Hard and Lookup, in [0, 1], say how much reasoning it needs, and how much
	// that stands only in the documentation.
	Hard, Lookup float64
}

// Features are the numbers of one candidate for one ticket: for each route, 1 and
// what the ticket needs if it is that route, else 0.
const Features = 9

// Rows are the candidates' features, row by row.
func (t Ticket) Rows() []float64 {
	rows := make([]float64, len(Routes())*Features)
	for i := range Routes() {
		copy(rows[i*Features+3*i:], []float64{1, t.Hard, t.Lookup})
	}
	return rows
}

// Solved is how likely a route solves the ticket.
func (t Ticket) Solved(route int) float64 {
	switch Routes()[route].Name {
	case "large-model":
		return 0.95 - 0.75*t.Lookup
	case "search":
		return 0.35 + 0.6*t.Lookup - 0.3*t.Hard
	}
	return 0.95 - 0.7*t.Hard - 0.7*t.Lookup*(1-t.Hard)
}

// ticket is the ticket of a number under a seed.
func ticket(seed uint64, n int, name string) Ticket {
	r := numerics.NewStream(seed, 1, uint64(n))
	return Ticket{Task: name, Hard: r.Float64(), Lookup: r.Float64()}
}

// pick is a route drawn with the chances of the agent that logged the traces.
func pick(r *numerics.Stream) int {
	at := r.Float64()
	for i, route := range Routes() {
		if at -= route.Chance; at < 0 {
			return i
		}
	}
	return 0
}
