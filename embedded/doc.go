// Package embedded runs the services Cohort needs inside the process: a Redis
// that lives in memory and a Kafka that keeps its log in a folder. Both listen
// on loopback alone and speak the wire protocols, so that the same coordinator
// and worker that use real servers use these.
package embedded
