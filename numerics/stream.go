package numerics

import "math/bits"

// golden is the odd number nearest 2^64 divided by the golden ratio.
const golden = 0x9e3779b97f4a7c15

// Stream is a sequence of random numbers that is a pure function of a seed and
// a path, such as (step, group, rollout): the n-th number is a hash of n under
// a key of 128 bits made of both. It is the same on every machine and needs no
// state but n. It is not for secrets. The zero Stream is that of no key; a
// Stream is not safe for concurrent use.
type Stream struct {
	key     [2]uint64
	counter uint64
}

// NewStream returns the stream of seed and path, at its first number. Paths of
// different lengths, (1) and (1, 0), give different streams.
func NewStream(seed uint64, path ...uint64) *Stream {
	s := &Stream{key: [2]uint64{mix(seed + golden), mix(seed ^ 0xd1b54a32d192ed03)}}
	for i, p := range path {
		p = mix(p + golden*uint64(i+2))
		s.key[0] = mix(s.key[0] ^ p)
		s.key[1] = mix(s.key[1] + bits.RotateLeft64(p, 32))
	}
	return s
}

// Uint64 returns 64 uniform random bits.
func (s *Stream) Uint64() uint64 {
	s.counter++
	return mix(mix(s.key[0]+golden*s.counter) ^ s.key[1])
}

// Float64 returns a uniform multiple of 2^-53 in [0, 1).
func (s *Stream) Float64() float64 { return float64(float64(s.Uint64()>>11) * 0x1p-53) }

// IntN returns a uniform integer in [0, n), without bias. It panics when n is
// not positive.
func (s *Stream) IntN(n int) int {
	if n <= 0 {
		panic("numerics: Stream.IntN of a number that is not positive")
	}
	size := uint64(n)
	high, low := bits.Mul64(s.Uint64(), size)
	if low < size {
		// 2^64 mod n of the low words would make some results likelier.
		for reject := -size % size; low < reject; {
			high, low = bits.Mul64(s.Uint64(), size)
		}
	}
	return int(high)
}

// Perm fills dst with a uniform permutation of 0 to len(dst)-1.
func (s *Stream) Perm(dst []int) {
	for i := range dst {
		j := s.IntN(i + 1)
		dst[i] = dst[j]
		dst[j] = i
	}
}

// mix is a bijection of 64 bits in which every bit of the argument changes
// every bit of the result with a probability near one half: the finaliser of
// SplitMix64 with the constants of D. Stafford's variant 13.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
