//go:build services

package integration_test

import (
	"fmt"
	"strconv"

	"github.com/cohort-rl/cohort/telemetry"
)

// eventSet is a set of events. Producers count theirs from 0 in each partition,
// so a bit for each is enough, and a million takes some hundred KB.
type eventSet struct {
	streams map[origin][]uint64
	n       uint64
}

// origin is where an event has its sequence from.
type origin struct {
	producer  string
	partition int
}

// maxSequence is far above what any producer of a test comes to.
const maxSequence = 1 << 26

// sequenced reads from which producer a message is and under which sequence;
// without a producer it is of an event that was refused at the door.
func sequenced(headers []telemetry.Header, partition int) (from origin, sequence uint64, err error) {
	from.partition = partition
	text := ""
	for _, h := range headers {
		switch h.Key {
		case "producer":
			from.producer = string(h.Value)
		case "sequence":
			text = string(h.Value)
		}
	}
	if from.producer == "" {
		return from, 0, nil
	}
	if sequence, err = strconv.ParseUint(text, 10, 64); err != nil || sequence >= maxSequence {
		return from, 0, fmt.Errorf("a message of %s has the sequence %q", from.producer, text)
	}
	return from, sequence, nil
}

// add reports whether the event was not there.
func (s *eventSet) add(from origin, sequence uint64) bool {
	if s.has(from, sequence) {
		return false
	}
	if s.streams == nil {
		s.streams = map[origin][]uint64{}
	}
	bits := s.streams[from]
	for uint64(len(bits)) <= sequence/64 {
		bits = append(bits, 0)
	}
	bits[sequence/64] |= 1 << (sequence % 64)
	s.streams[from] = bits
	s.n++
	return true
}

func (s *eventSet) has(from origin, sequence uint64) bool {
	bits := s.streams[from]
	return sequence/64 < uint64(len(bits)) && bits[sequence/64]&(1<<(sequence%64)) != 0
}
