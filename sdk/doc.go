// Package sdk is what an agent in Go is written with: a function that attempts
// a task becomes a server that keeps the contract of docs/agents.md.
//
//	err := sdk.Serve(ctx, sdk.Config{Listen: "127.0.0.1:8090"}, play)
//
// play gets a [Rollout] and a context that carries its thread. It asks the
// policy through [Rollout.Choose] and records with package telemetry; the start,
// the end, the flush, errors, panics and what is weather are taken care of.
package sdk
