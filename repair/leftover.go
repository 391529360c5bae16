package repair

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/checkpoint/scrub"
	"github.com/cohort-rl/cohort/job"
)

// ofStep takes the keys of what lies in the folders of a step apart: generation,
// and step.
var ofStep = regexp.MustCompile(`^g(\d+)/(?:steps/(\d+)/|updates/(\d+)\.|settled/(\d+)\.)`)

// leftover says whether a finding is of an object that nobody will read again:
// content, or a part of an update in shards, to which nothing refers and whose
// step is committed, or whose job has ended. Whoever is late computes it again.
func (a *all) leftover(f scrub.Finding, committed map[job.Folder]bool) bool {
	switch f.Kind {
	case scrub.KindContent, scrub.KindTerms, scrub.KindGradient:
	default:
		return false
	}
	m := ofStep.FindStringSubmatch(strings.TrimPrefix(f.Key, a.Def.ID.Prefix()))
	if m == nil || len(f.ReferredBy) > 0 {
		return false
	}
	generation, err := strconv.Atoi(m[1])
	if err != nil {
		return false
	}
	step, err := strconv.Atoi(m[2] + m[3] + m[4])
	return err == nil && (a.report.Ended || committed[job.Folder{Generation: generation, Step: step}])
}

// committed are the folders of the steps that a log commits. Known is false
// where an entry cannot be read: what it refers to is not known then.
func (a *all) committed(ctx context.Context) (folders map[job.Folder]bool, known bool, err error) {
	last, err := checkpoint.LastEntry(ctx, a.Store, a.Def.ID, -1)
	if err != nil {
		return nil, false, err
	}
	folders = map[job.Folder]bool{}
	for n := range last + 1 {
		e, err := checkpoint.ReadEntry(ctx, a.Store, a.Def.ID, n)
		switch {
		case Damage(err):
			return nil, false, nil
		case err != nil:
			return nil, false, err
		case e.Commit != nil:
			folders[e.Commit.Checkpoint.Folder] = true
		}
	}
	return folders, true, nil
}

// takeAway keeps what lies at a key in quarantine and deletes it, unless it is
// whole by now.
func (a *all) takeAway(ctx context.Context, f scrub.Finding) error {
	object, err := a.Store.Get(ctx, f.Key)
	if err != nil {
		return ignore(err, NotFound)
	}
	if f.Kind == scrub.KindContent {
		err = blob.Verify(f.Key, object.Body, f.Expected)
	} else {
		_, err = sealed.Verify(object.Body)
	}
	if err == nil {
		return nil
	}
	kept, err := blob.Quarantine(ctx, a.Store, f.Key, object.Body)
	if err != nil {
		return err
	}
	if err := a.Store.Delete(ctx, f.Key); err != nil {
		return err
	}
	a.Tell(Finding{Key: f.Key, Quarantined: kept, Done: "taken away: it is left of work that is done, and nothing refers to it"})
	return nil
}
