// Package spans makes the OpenTelemetry spans of what coordinators and workers
// do: a trace for each job; below it the job's steps and evaluations, the phases
// that coordinators drive, the shards that workers have in hand, and the
// executions of rollouts, whose span is the parent of all that the agent records.
//
// Ids are made from names (ids.go), so nothing is carried from one process to
// another, whoever takes a job over goes on with its trace, and no result can
// depend on spans. A process that ends suddenly leaves out the spans that it had
// not exported; those below them are still in the trace.
//
// Everything here works on nil as well, does nothing then, and allocates nothing.
package spans
