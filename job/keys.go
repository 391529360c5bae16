package job

import (
	"fmt"
	"strings"

	"github.com/cohort-rl/cohort/blob"
)

// Keys of the object layout. Numbers are zero-padded to 20 digits, so byte
// order is number order.
const (
	DeploymentKey     = "deployment.json"
	BindingKey        = "binding.json"
	ActivePrefix      = "active/"
	SubmissionsPrefix = "submissions/"
	JobsPrefix        = "jobs/"
	DeletedPrefix     = "deleted/"
)

// SubmissionKey is where the submission with an idempotence key lies. The key
// itself, which comes from outside, never becomes a path: its digest does.
func SubmissionKey(key string) string {
	return SubmissionsPrefix + string(blob.DigestOf([]byte(key))) + ".json"
}

// ActiveKey lies in the store while the job has not ended.
func (id ID) ActiveKey() string { return ActivePrefix + string(id) + ".json" }

// DeletedKey lies in the store from the moment at which the job is deleted.
func (id ID) DeletedKey() string { return DeletedPrefix + string(id) + ".json" }

// Prefix is the folder of everything that the job owns.
func (id ID) Prefix() string { return JobsPrefix + string(id) + "/" }

// SpecKey is where the job's definition lies.
func (id ID) SpecKey() string { return id.Prefix() + "spec.json" }

// HeadKey is where the hint of the job's progress lies.
func (id ID) HeadKey() string { return id.Prefix() + "head.json" }

// LogPrefix is the folder of the job's log.
func (id ID) LogPrefix() string { return id.Prefix() + "log/" }

// LogKey is where entry n of the job's log lies.
func (id ID) LogKey(n int) string { return fmt.Sprintf("%s%020d.json", id.LogPrefix(), n) }

// ControlKey is where request n (cancel) to the job lies, n counting from 0.
func (id ID) ControlKey(n int) string { return fmt.Sprintf("%scontrol/%020d.json", id.Prefix(), n) }

// DataKey is where a data set of the job lies.
func (id ID) DataKey(d blob.Digest) string { return id.Prefix() + "data/" + string(d) }

// StepPrefix is the folder of the blobs that a step wrote.
func (id ID) StepPrefix(generation, step int) string {
	return fmt.Sprintf("%sg%020d/steps/%020d/", id.Prefix(), generation, step)
}

func (u Unit) folder() string {
	if u.Eval != "" {
		return fmt.Sprintf("%s%s/", u.Job.EvalsPrefix(), u.Eval)
	}
	return fmt.Sprintf("%sg%020d/", u.Job.Prefix(), u.Generation)
}

func (u Unit) dotted(numbers ...int) string {
	s := ""
	if u.Eval == "" {
		s = fmt.Sprintf("%020d.%020d", u.Step, u.Round)
	}
	for _, n := range numbers {
		if s != "" {
			s += "."
		}
		s += fmt.Sprintf("%020d", n)
	}
	return s
}

// PlanKey is where the unit's plan lies.
func (u Unit) PlanKey() string {
	if u.Eval != "" {
		return u.folder() + "plan.json"
	}
	return u.folder() + "plans/" + u.dotted() + ".json"
}

// OpenedKey is where the opening markers of collection e lie.
func (u Unit) OpenedKey(e int) string { return u.folder() + "opened/" + u.dotted(e) + ".json" }

// RangesKey is where the ranges of collection e lie.
func (u Unit) RangesKey(e int) string { return u.folder() + "ranges/" + u.dotted(e) + ".json" }

// DriverKey is where take-over n of a phase of collection e lies.
func (u Unit) DriverKey(e int, phase Phase, n int) string {
	return fmt.Sprintf("%sdrivers/%s/%s/%020d.json", u.folder(), u.dotted(e), phase, n)
}

// PinsPrefix is the folder of the checkpoints that are pinned.
func (id ID) PinsPrefix() string { return id.Prefix() + "pins/" }

// PinKey lies in the store while a checkpoint is pinned.
func (id ID) PinKey(manifest blob.Digest) string { return id.PinsPrefix() + string(manifest) + ".json" }

// PrunedPrefix is the folder of the checkpoints that were pruned.
func (id ID) PrunedPrefix() string { return id.Prefix() + "pruned/" }

// PrunedKey lies in the store once the blobs of a checkpoint may be gone.
func (id ID) PrunedKey(manifest blob.Digest) string {
	return id.PrunedPrefix() + string(manifest) + ".json"
}

// AnswersPrefix is the folder of what reward servers answered, under the digests
// of what they were asked.
func (id ID) AnswersPrefix() string { return id.Prefix() + "rewards/" }

// EvalsPrefix is the folder of the job's evaluations.
func (id ID) EvalsPrefix() string { return id.Prefix() + "evals/" }

// ResultKey is where the result of an evaluation lies.
func (u Unit) ResultKey() string { return u.folder() + "result.json" }

// BlobPrefix is the folder of the blobs that the unit's shards write.
func (u Unit) BlobPrefix() string {
	if u.Eval != "" {
		return u.folder() + "blobs/"
	}
	return u.Job.StepPrefix(u.Generation, u.Step)
}

// SettledKey is where the shard's settled record lies.
func (s Shard) SettledKey() string {
	return s.Unit.folder() + "settled/" + s.path() + ".json"
}

// TermsKey is where the terms of a gradient shard lie.
func (s Shard) TermsKey() string { return s.Unit.folder() + "updates/" + s.path() + ".json" }

// UpdatesPrefix begins the keys of the terms of all gradient shards of the
// unit's step.
func (u Unit) UpdatesPrefix() string { return fmt.Sprintf("%supdates/%020d.", u.folder(), u.Step) }

// RedriveKey is where drive n >= 2 of the shard is recorded.
func (s Shard) RedriveKey(n int) string {
	return fmt.Sprintf("%sredrives/%s/%020d.json", s.Unit.folder(), s.path(), n)
}

// path names the shard in the folders of its unit.
func (s Shard) path() string {
	phase := strings.Split(string(s.Phase), ".")
	for i, n := range phase[1:] {
		phase[1+i] = strings.Repeat("0", max(0, 20-len(n))) + n
	}
	return fmt.Sprintf("%s/%s-%020d", s.Unit.dotted(s.Collection), strings.Join(phase, "."), s.Index)
}
