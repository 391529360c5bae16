package repair

import (
	"context"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/learner"
	"github.com/cohort-rl/cohort/numerics"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/replay"
)

// restated is what a restated entry says of itself.
const restated = "written anew from what surrounds it: its time is that of the next entry, and which evaluations were due is what can still be told"

// Restate writes entry n of the log anew, which is lost or corrupt, from the
// entries before and after it and the records of its step. What it says is what
// the old one said, but for its time, the evaluations that were due, and why a
// job went back. Only what is followed by another entry can be restated: nobody
// can tell whether the last entry was an end. An error that is Damage says that
// what it would have to say is lost.
func (j *Job) Restate(ctx context.Context, n, last int) (*job.Entry, error) {
	if n >= last {
		return nil, fmt.Errorf("entry %d is the last of the log, and may have ended the job: %w", n, errUnknown)
	}
	next, err := checkpoint.ReadEntry(ctx, j.Store, j.Def.ID, n+1)
	if err != nil {
		return nil, err
	}
	var e *job.Entry
	back := false
	if n > 0 {
		back, err = j.wentBack(ctx, n, next)
	}
	switch {
	case err != nil:
	case n == 0:
		e, err = j.begin(ctx, next, last)
	case back:
		e, err = j.rewind(ctx, n, next, last)
	default:
		e, err = j.commit(ctx, n, next)
	}
	if err != nil {
		return nil, err
	}
	if c, ok := e.NewCheckpoint(); !ok || !j.follows(ctx, c, next) {
		return nil, fmt.Errorf("entry %d cannot be told from what surrounds it: %w", n, errUnknown)
	}
	e.Format, e.N, e.At, e.Restated = job.EntryFormat, n, next.At, restated+e.Restated
	mended, err := records.Mend(ctx, j.Store, j.Def.ID.LogKey(n), job.EntryFormat, e)
	if err != nil {
		return nil, err
	}
	j.Tell(Finding{Key: j.Def.ID.LogKey(n), Quarantined: mended.Quarantined, Done: "restated from what surrounds it"})
	return mended.Record, nil
}

// follows says whether entry next goes on from checkpoint c: its manifest names
// it as its parent, or, where next makes no step or its manifest cannot be read,
// something lies in the store under the name of c, which is its hash.
func (j *Job) follows(ctx context.Context, c job.Checkpoint, next *job.Entry) bool {
	if next.Commit != nil {
		m, err := checkpoint.LoadManifest(ctx, j.Store, j.Def.ID, next.Commit.Checkpoint)
		if err == nil {
			return m.Parent == c.Manifest
		}
	}
	_, err := j.Store.Head(ctx, j.Def.ID.StepPrefix(c.Folder.Generation, c.Folder.Step)+string(c.Manifest))
	return err == nil
}

// begin is what the first entry says.
func (j *Job) begin(ctx context.Context, next *job.Entry, last int) (*job.Entry, error) {
	if j.TopicPrefix == "" && j.Def.Spec.Traces.Topic == "" {
		return nil, fmt.Errorf("the name of the job's topic is lost with the deployment's id: %w", errUnknown)
	}
	b := &job.Begin{Numerics: numerics.Version, Topic: j.Def.Topic(j.TopicPrefix)}
	e := &job.Entry{Kind: job.KindBegin, Begin: b}
	step, err := replay.Begin(ctx, j.Store, j.Def, e)
	if err != nil {
		return nil, err
	}
	folder := job.Folder{}
	if o := step.Origin; o != nil {
		if b.Start = o.String(); o.Mode != spec.ModeWarm {
			folder.Step = o.Step
		}
	}
	b.Checkpoint = placed(step, folder, nil)
	if staleness := j.Def.Spec.GRPO.Staleness; staleness > 0 && folder.Step > 0 {
		if b.Earlier, err = j.beganBeside(ctx, b, staleness); err != nil {
			return nil, err
		}
	}
	b.Marks, err = j.opening(ctx, e, b.Checkpoint, next, last)
	return e, err
}

// commit is what an entry says that commits a step.
func (j *Job) commit(ctx context.Context, n int, next *job.Entry) (*job.Entry, error) {
	line, err := ReadLine(ctx, j.Store, j.Def.ID, n-1)
	if err != nil {
		return nil, err
	}
	if len(line.Entries) == 0 || line.Entries[len(line.Entries)-1].N != n-1 {
		return nil, fmt.Errorf("entry %d cannot be read either: %w", n-1, errUnknown)
	}
	parent := line.Entries[len(line.Entries)-1]
	before, _ := parent.NewCheckpoint()
	at, l, cause, err := j.Newest(ctx, line.Entries)
	if err != nil {
		return nil, err
	}
	if at != len(line.Entries)-1 {
		return nil, fmt.Errorf("%s: %w", cause, errUnknown)
	}
	e := &job.Entry{Kind: job.KindCommit, Generation: parent.Generation, Commit: &job.Commit{}}
	e.Commit.Checkpoint.Step = before.Step + 1
	sampling := max(1, j.Def.Spec.GRPO.DynamicSampling.Rounds)
	for round := range sampling {
		if err := j.round(ctx, line.Entries, e, round); err != nil {
			return nil, err
		}
		// A round that was planned counts, though it may have changed nothing.
		more := job.Unit{Job: j.Def.ID, Generation: e.Generation, Step: before.Step + 1, Round: round + 1}
		switch _, err := j.Store.Head(ctx, more.PlanKey()); {
		case err == nil:
			continue
		case !NotFound(err):
			return nil, err
		}
		step, err := j.step(ctx, parent, e, l)
		if err != nil {
			return nil, err
		}
		e.Commit.Checkpoint = placed(step, job.Folder{Generation: e.Generation, Step: before.Step + 1}, before.Places)
		if j.follows(ctx, e.Commit.Checkpoint, next) {
			return e, j.complete(e, parent, next, step)
		}
	}
	return nil, fmt.Errorf("none of the step's rounds gives the checkpoint that the next entry goes on from: %w", errUnknown)
}

// round adds a round to a commit: the newest collection of it of which all is
// there, and the markers with which it closed.
func (j *Job) round(ctx context.Context, line []*job.Entry, e *job.Entry, round int) error {
	u := job.Unit{Job: j.Def.ID, Generation: e.Generation, Step: e.Commit.Checkpoint.Step, Round: round}
	policy, _, ok := job.PolicyFor(line, u.Step, j.Def.Spec.GRPO.Staleness)
	if !ok {
		return fmt.Errorf("the checkpoint that step %d was planned under is not known: %w", u.Step, errUnknown)
	}
	plan := j.Def.PlanRound(u, policy, round*j.Def.Spec.Tasks.Groups)
	for collection := range job.MaxCollections {
		ranges, _, err := records.Read[job.Ranges](ctx, j.Store, u.RangesKey(collection), job.RangesFormat)
		if Damage(err) || err == nil && len(ranges.Losses) > 0 {
			continue
		}
		if err != nil {
			return err
		}
		_, lost, err := collected(ctx, j.Store, plan, collection)
		if Damage(err) || err == nil && lost {
			continue
		}
		if err != nil {
			return err
		}
		e.Commit.Rounds = append(e.Commit.Rounds, j.Def.RoundRef(job.Round{Plan: plan, Collection: collection}))
		e.Commit.Marks = ranges.Closing()
		return nil
	}
	return fmt.Errorf("no collection of round %d of step %d is whole: %w", round, u.Step, errUnknown)
}

// step computes the step of a commit whose rounds are known.
func (j *Job) step(ctx context.Context, parent, e *job.Entry, l *learner.Learner) (*replay.Step, error) {
	rounds, err := replay.Rounds(ctx, j.Store, j.Def, parent, e)
	if err != nil {
		return nil, err
	}
	e.Commit.Batch = replay.BatchOf(rounds, job.Settle(rounds, j.Def.Spec))
	clone, err := l.Clone()
	if err != nil {
		return nil, err
	}
	return replay.Next(ctx, j.Store, j.Def, clone, parent, e)
}

// complete fills in what a commit says beside its checkpoint.
func (j *Job) complete(e, parent, next *job.Entry, step *replay.Step) error {
	c := e.Commit
	files, err := replay.Ledger(step.Plans, step.Rows)
	if err != nil {
		return err
	}
	c.Ledger = job.LedgerRef{Step: c.Checkpoint.Step, Totals: job.Count(step.Rows)}
	for _, file := range files {
		c.Ledger.Parts = append(c.Ledger.Parts, blob.RefOf(file))
	}
	c.Metrics, c.Totals = step.Metrics, parent.Counted().Plus(c.Ledger.Totals)
	for _, p := range next.Due() {
		if p.Step <= c.Checkpoint.Step {
			c.Pending = append(c.Pending, p)
		}
	}
	return nil
}

// placed says where the objects of a checkpoint lie that was stored in a folder:
// what its parent has lies where that has it.
func placed(step *replay.Step, folder job.Folder, parent []job.Place) job.Checkpoint {
	c := placedImage(step.Image, folder, parent)
	c.Weights = step.Learner.WeightsDigest()
	return c
}

func placedImage(image *checkpoint.Image, folder job.Folder, parent []job.Place) job.Checkpoint {
	known := make(map[blob.Digest]job.Place, len(parent))
	for _, p := range parent {
		known[p.Digest] = p
	}
	c := job.Checkpoint{Step: folder.Step, Manifest: image.ID, Folder: folder}
	for _, ref := range image.Chunks() {
		p, ok := known[ref.Digest]
		if !ok {
			p = job.Place{Digest: ref.Digest, Size: ref.Size, Folder: folder}
		}
		c.Places = append(c.Places, p)
	}
	return c
}
