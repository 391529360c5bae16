package coordinator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/records"
	"github.com/cohort-rl/cohort/repair"
)

// lostError says that a collection has lost a record, or a blob that one names.
type lostError struct {
	event job.CollectionLost
	err   error
}

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// lostRecord is err, as a *lostError if it says that what lies at key, which
// belongs to a collection, is corrupt or gone.
func lostRecord(u job.Unit, collection int, key string, err error) error {
	if !errors.Is(err, blob.ErrCorrupt) && !errors.Is(err, blob.ErrNotFound) {
		return err
	}
	loss := job.Loss{Kind: job.LostRecord, Detail: err.Error()}
	return &lostError{job.CollectionLost{Unit: u, Collection: collection, Loss: loss}, fmt.Errorf("%s: %w", key, err)}
}

// orLost is the event of a *lostError, or the error.
func orLost(err error) (job.Event, error) {
	if lost, ok := errors.AsType[*lostError](err); ok {
		return lost.event, nil
	}
	return nil, err
}

// found tells of something that is broken: in the log, and with the job's
// progress.
func (d *driver) found(what string, err error) {
	d.Logger.Error("Something of the job is broken.", "what", what, "error", err)
	d.keepDamages([]job.Damage{{At: d.Clock.Now().UTC(), Text: fmt.Sprintf("%s %v", what, err)}})
}

// restored tells of an object that was put back.
func (d *driver) restored(f repair.Finding) {
	d.Logger.Warn("An object was corrupt or missing, and was put back.", "key", f.Key, "quarantined", f.Quarantined, "done", f.Done)
	d.keepDamages([]job.Damage{{At: d.Clock.Now().UTC(), Text: f.String()}})
}

// mended tells of a record that was made again, if it was.
func (d *driver) mended(key, quarantined string) {
	if quarantined != "" {
		d.restored(repair.Finding{Key: key, Quarantined: quarantined, Done: "made again"})
	}
}

func (d *driver) keepDamages(more []job.Damage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range more {
		if !slices.ContainsFunc(d.damage, func(known job.Damage) bool { return known.Text == m.Text }) {
			d.damage = append(d.damage, m)
		}
	}
	d.damage = d.damage[max(0, len(d.damage)-job.MaxDamage):]
}

// tellDamage writes what was found broken into the hint of the job's progress,
// for a job that nobody can drive.
func (d *driver) tellDamage(ctx context.Context) error {
	head, _, err := records.Read[job.Head](ctx, d.store, d.def.ID.HeadKey(), job.HeadFormat)
	switch {
	case repair.Damage(err):
		return nil // there is none, and what it would say is not known
	case err != nil:
		return err
	case len(head.Damage) > 0 && head.Damage[len(head.Damage)-1].Text == d.damages()[len(d.damages())-1].Text:
		return nil
	}
	head.Damage = d.damages()
	return records.Overwrite(ctx, d.store, d.def.ID.HeadKey(), *head)
}

// damages are what was found broken, the newest last.
func (d *driver) damages() []job.Damage {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.damage)
}

// keepEntry remembers the first entry of the log, and the newest ones: as many as
// open steps rest on.
func (d *driver) keepEntry(e *job.Entry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	kept := maps.Clone(d.entries)
	if kept == nil {
		kept = map[int]*job.Entry{}
	}
	kept[e.N] = e
	newest := slices.Max(slices.Collect(maps.Keys(kept)))
	maps.DeleteFunc(kept, func(n int, _ *job.Entry) bool { return n > 0 && n < newest-d.staleness() })
	d.entries = kept
}

// newest is the number of the newest entry that this driver has read or put.
func (d *driver) newest() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for at := range d.entries {
		n = max(n, at)
	}
	return n
}
