// Package daemon wires the coordinator and the worker: it opens what they need
// and runs them until a context ends. The commands coordinator and worker run
// one of them in a process of its own; cohort up and cohort demo run all of
// them in one.
package daemon
