package agent

import (
	"crypto/sha256"
	"fmt"
)

// TraceParent returns the W3C trace context of a thread: a traceparent header
// whose trace id and parent id are taken from the SHA-256 of the thread's id,
// sampled. An attempt carries it when its context has no other. So every event, log line and span of an attempt can be found from
// its thread, and nothing random is needed.
func TraceParent(thread string) string {
	sum := sha256.Sum256([]byte(thread))
	return fmt.Sprintf("00-%x-%x-01", sum[:16], sum[16:24])
}
