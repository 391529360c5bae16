package job

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cohort-rl/cohort/blob"
)

// A Unit is one draw of rollouts that is planned, rolled out, ranged and
// collected together: a round of a training step, or the evaluation of a
// checkpoint.
type Unit struct {
	Job        ID  `json:"job"`
	Generation int `json:"generation"`
	Step       int `json:"step"`
	Round      int `json:"round"`
	// Eval is the manifest under evaluation. It is empty for training; when it
	// is set, Generation and Round are zero and Step is the manifest's step.
	Eval blob.Digest `json:"eval,omitempty"`
}

// Phase is a part of a unit (or of a step) that shards are made of.
type Phase string

// The phases that shards belong to. Collect is extract and assemble in one
// shard, for small units.
const (
	Rollout  Phase = "rollout"
	Collect  Phase = "collect"
	Extract  Phase = "extract"
	Assemble Phase = "assemble"
)

// Updating is the kind of the phases of an update: each mini-batch whose
// gradient is computed in shards is one, named by Gradient.
const Updating Phase = "update"

// Gradient is the phase of a mini-batch. Epochs count from 0, mini-batches from
// 0 within their epoch.
func Gradient(epoch, minibatch int) Phase {
	return Phase(fmt.Sprintf("%s.%d.%d", Updating, epoch, minibatch))
}

// Kind is the phase without its numbers.
func (p Phase) Kind() Phase {
	kind, _, _ := strings.Cut(string(p), ".")
	return Phase(kind)
}

// Repeatable says whether the record of a shard of the phase may be made again
// when it is corrupt: nothing but the driver's next decision rests on it.
func (p Phase) Repeatable() bool {
	kind := p.Kind()
	return kind == Collect || kind == Assemble || kind == Updating
}

// A Shard is the part of a unit that one task does. Collection counts the
// collections e of the unit from 0; Index counts the phase's shards from 0.
type Shard struct {
	Unit       Unit  `json:"unit"`
	Collection int   `json:"collection"`
	Phase      Phase `json:"phase"`
	Index      int   `json:"index"`
}

// String is the shard's name in logs and records, unique in a deployment:
// job/gG/step.round.e/phase-index, or job/evals/manifest/e/phase-index.
func (s Shard) String() string {
	return fmt.Sprintf("%s/%s-%d", s.collection(), s.Phase, s.Index)
}

func (s Shard) collection() string {
	if s.Unit.Eval != "" {
		return fmt.Sprintf("%s/evals/%s/%d", s.Unit.Job, s.Unit.Eval, s.Collection)
	}
	return fmt.Sprintf("%s/g%d/%d.%d.%d", s.Unit.Job, s.Unit.Generation, s.Unit.Step, s.Unit.Round, s.Collection)
}

// Group is the name of all shards of the phase that s belongs to. A barrier
// waits for a group.
func (s Shard) Group() string { return s.collection() + "/" + string(s.Phase) }

// TaskID is the name of drive n of the shard in the queue, n counting from 1.
func (s Shard) TaskID(n int) string { return s.String() + "/d" + strconv.Itoa(n) }

// ThreadID is the id of the thread that one execution of a rollout leaves:
// job/step/group/rollout/nonce, where an evaluation has e<step>.<manifest's
// first 12 digits> in the place of the step.
func (u Unit) ThreadID(group, rollout int, nonce string) string {
	step := strconv.Itoa(u.Step)
	if u.Eval != "" {
		step = "e" + step + "." + string(u.Eval[:12])
	}
	return strings.Join([]string{string(u.Job), step, strconv.Itoa(group), strconv.Itoa(rollout), nonce}, "/")
}

// ThreadPrefix is what the ids of all threads of the unit's step (all its
// rounds), or of the evaluation, begin with.
func (u Unit) ThreadPrefix() string {
	id := u.ThreadID(0, 0, "")
	return strings.TrimSuffix(id, "0/0/")
}
