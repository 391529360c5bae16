package telemetry

import (
	"encoding/binary"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// balance returns the partition of a key. The partitions are known.
func (p *Producer) balance(key string) (*partition, error) {
	if p.config.Balancer == nil {
		return p.partitions[murmur2(key)&0x7fffffff%uint32(len(p.partitions))], nil //nolint:gosec // Kafka counts them in 31 bits
	}
	number := p.config.Balancer.Balance(kafka.Message{Topic: p.config.Topic, Key: []byte(key)}, p.numbers...)
	if number < 0 || number >= len(p.partitions) {
		return nil, fmt.Errorf("%w: Balancer chose partition %d of %d", ErrInvalidConfig, number, len(p.partitions))
	}
	return p.partitions[number], nil
}

// murmur2 is the hash by which Java's client chooses partitions (MurmurHash2 of
// Austin Appleby with Kafka's seed), as kafka.Murmur2Balancer has it, without a
// copy of the key.
func murmur2(key string) uint32 {
	const seed, m, r = 0x9747b28c, 0x5bd1e995, 24
	h := seed ^ uint32(len(key)) //nolint:gosec // bounded by Limits.NameBytes
	for ; len(key) >= 4; key = key[4:] {
		k := uint32(key[0]) | uint32(key[1])<<8 | uint32(key[2])<<16 | uint32(key[3])<<24
		k *= m
		k ^= k >> r
		h = h*m ^ k*m
	}
	if len(key) > 0 {
		var rest [4]byte
		copy(rest[:], key)
		h = (h ^ binary.LittleEndian.Uint32(rest[:])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
