package telemetry

// Defaults of the queues for the log and for the dead letters.
const (
	defaultQueueBytes  = 64 << 20
	defaultLetterBytes = 16 << 20
)

// MemoryLimit is how much memory, in bytes, to allow a program that records with
// this configuration, beside what the program itself needs:
//
//	debug.SetMemoryLimit(config.MemoryLimit() + mine)
//
// or as much in GOMEMLIMIT. Then it takes no more than what the queues may hold
// and 64 MiB, also while the log is away and they are full. Without a limit Go
// lets a program grow to twice what it holds before it collects garbage. A
// producer sets none: it is the program's to set.
func (c Config) MemoryLimit() int64 {
	const beside = 32 << 20 // requests, codecs, stacks, garbage
	limit := int64(orDefault(c.QueueBytes, defaultQueueBytes)) + beside
	if c.DeadLetters != nil {
		limit += int64(orDefault(c.DeadLetters.QueueBytes, defaultLetterBytes))
	}
	return limit
}
