// Package telemetry carries what agents do into Kafka and loses nothing
// silently.
//
// An agent opens a [Thread] on a [Producer] and records its events: start,
// decisions, rewards, errors, end. One Kafka message is one frame is one
// [Event]; the message's key is the thread's id. [Codec] turns events into
// frames and back, and checks the same [Limits] both ways: what a producer
// accepts a reader accepts. The producer's [Accounts] add up at every moment.
//
// What the log does not take is reported, and with [DeadLetters] kept: in a
// topic of its own, or in a spill file until the log is back. [DeadLetter] is
// what both hold.
//
// Beside it: package hlc stamps events with a clock that never goes back, package
// state sends states as differences, package ratelimit bounds what a tenant sends,
// package metrics tells Prometheus what a producer counts.
//
// Two counters are never mixed. The sequence, in a message's headers, counts
// per producer instance and partition and tells transport losses and
// duplicates ([Watermarks]). The index, inside the event, counts per thread and
// tells whether a thread is complete.
package telemetry
