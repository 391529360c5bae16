// Package kafka is a traces.Log on a Kafka cluster.
//
// Everything is asked of partition leaders directly; there are no consumer
// groups and no committed offsets. What may be different in a moment (no
// leader, no connection, an election) is tried again until the context ends.
package kafka
