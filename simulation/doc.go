// Package simulation runs whole jobs under one seeded scheduler with virtual
// time. Coordinators and workers are the real ones; the object store, the log,
// the queue, the agents and the clock are models, of which every call waits
// until the scheduler picks it. The scheduler crashes and stalls processes,
// loses answers, repeats, delays and reorders, empties the queue and cuts the
// log; each job must still end with the checkpoints of the undisturbed run.
//
// Everything is in the tests: `make simulate SEED=1 RUNS=1000`.
package simulation
