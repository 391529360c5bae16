// Package agent is the HTTP contract by which a worker asks an agent to attempt
// a task: the messages, the client that the worker uses, and a handler for
// agents written in Go. Agents in other languages need only docs/agents.md.
//
// The contract keeps two things apart. What the agent itself did wrong, or did
// not do in its time, is a failure and counts against the rollout. What happened
// around it (a refused or reset connection, a lost policy or broker) is weather:
// it is tried again and never decides a result.
package agent
