package job

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/cohort-rl/cohort/numerics"
)

// MaxSeed bounds the seeds that leave Cohort: every JSON reader holds integers
// up to 2^53-1 exactly.
const MaxSeed = 1<<53 - 1

// Domains keep the streams that are drawn for different purposes apart.
const (
	drawDomain    = 1
	epochDomain   = 2
	rolloutDomain = 3
	evalDomain    = 4
)

// RolloutSeed is the seed that the agent and the policy use in a rollout. It
// comes from the spec's seed and the rollout's identity alone, never from the
// job's id, the attempt or the time.
func (u Unit) RolloutSeed(seed uint64, group, rollout int) uint64 {
	domain := uint64(rolloutDomain)
	if u.Eval != "" {
		domain = evalDomain
	}
	var b [40]byte
	for i, v := range []uint64{domain, seed, uint64(u.Step), uint64(group), uint64(rollout)} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	sum := sha256.Sum256(b[:])
	return binary.LittleEndian.Uint64(sum[:]) & MaxSeed
}

// drawTasks picks n of size tasks for a round. Round 0 of step s goes on where
// step s-1 ended in a sequence of shuffles of the whole data set, so that each
// task is drawn equally often; further rounds draw apart from it. The result
// depends on its arguments alone: there is no cursor.
func drawTasks(seed uint64, step, round, n, size int) []int {
	tasks := make([]int, n)
	if round > 0 {
		order := shuffle(numerics.NewStream(seed, drawDomain, uint64(step), uint64(round)), size)
		for i := range tasks {
			tasks[i] = order[i%size]
		}
		return tasks
	}
	var order []int
	epoch := -1
	for i := range tasks {
		at := (step-1)*n + i
		if at/size != epoch {
			epoch = at / size
			order = shuffle(numerics.NewStream(seed, epochDomain, uint64(epoch)), size)
		}
		tasks[i] = order[at%size]
	}
	return tasks
}

// shuffle is a permutation of 0..n-1 (Fisher and Yates, from the last place down).
func shuffle(r *numerics.Stream, n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := r.IntN(i + 1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}
