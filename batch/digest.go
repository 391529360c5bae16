package batch

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
)

const (
	sampleDomain = "cohort.sample/1\n"
	batchDomain  = "cohort.batch/1\n"
)

// Digest is the SHA-256 of the sample's canonical form, in which integers and
// floats are little-endian and floats are IEEE 754 bits:
//
//	"cohort.sample/1\n"
//	u64 group, u64 rollout, u64 task
//	f64 reward
//	u32 length of the policy's digest, its characters
//	u32 features of a row, u32 decisions
//	for each decision:
//	    u32 rows, u32 chosen row, f32 log-probability
//	    f32 features, row by row
//	if the rollout was truncated: u32 1
//	if there are several rewards: u32 2, u32 rewards, f64 each; one that was not
//	    given is the NaN 0x7ff8000000000001
func (s *Sample) Digest() blob.Digest {
	w := writer{hash: sha256.New()}
	w.text(sampleDomain)
	w.u64(uint64(s.Group), uint64(s.Rollout), uint64(s.Task), math.Float64bits(s.Reward))
	w.u32(uint32(len(s.Policy)))
	w.text(string(s.Policy))
	c := s.Choices
	w.u32(uint32(c.Width), uint32(c.Len()))
	for d := range c.Len() {
		from, to := c.Offsets[d], c.Offsets[d+1]
		w.u32(uint32(to-from), uint32(c.Chosen[d]), math.Float32bits(s.LogProbs[d]))
		for _, v := range c.Features[from*c.Width : to*c.Width] {
			w.u32(math.Float32bits(v))
		}
	}
	if s.Truncated {
		w.u32(1)
	}
	if n := len(s.Rewards); n > 0 {
		w.u32(2, uint32(n))
		for _, v := range s.Rewards {
			if math.IsNaN(v) {
				v = math.NaN()
			}
			w.u64(math.Float64bits(v))
		}
	}
	return w.digest()
}

// DigestOf is the digest of a step's batch: the used rows, in the order of the
// plans. It is the SHA-256 of "cohort.batch/1\n" and then for each, with
// little-endian integers, u64 group, u64 rollout, and the 64 characters of its
// sample's digest.
func DigestOf(rows []job.Row) blob.Digest {
	w := writer{hash: sha256.New()}
	w.text(batchDomain)
	for i := range rows {
		if rows[i].Reason == "" {
			w.u64(uint64(rows[i].Group), uint64(rows[i].Rollout))
			w.text(string(rows[i].Sample))
		}
	}
	return w.digest()
}

// writer feeds a hash in chunks.
type writer struct {
	hash   hash.Hash
	buffer []byte
}

func (w *writer) u64(values ...uint64) {
	for _, v := range values {
		w.buffer = binary.LittleEndian.AppendUint64(w.buffer, v)
	}
	w.spill()
}

func (w *writer) u32(values ...uint32) {
	for _, v := range values {
		w.buffer = binary.LittleEndian.AppendUint32(w.buffer, v)
	}
	w.spill()
}

func (w *writer) text(s string) {
	w.buffer = append(w.buffer, s...)
	w.spill()
}

func (w *writer) spill() {
	if len(w.buffer) >= 4<<10 {
		w.flush()
	}
}

func (w *writer) flush() {
	w.hash.Write(w.buffer)
	w.buffer = w.buffer[:0]
}

func (w *writer) digest() blob.Digest {
	w.flush()
	return blob.Digest(hex.EncodeToString(w.hash.Sum(nil)))
}
