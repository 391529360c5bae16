package deletion

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/sealed"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/submission"
)

// atOnce bounds the requests to the store that are under way.
const atOnce = 16

// remove removes every object of the job but its mark.
func remove(ctx context.Context, b blob.Bucket, id job.ID) error {
	if err := b.Delete(ctx, id.ActiveKey()); err != nil {
		return fmt.Errorf("remove %s: %w", id.ActiveKey(), err)
	}
	if err := removeSubmissions(ctx, b, id); err != nil {
		return err
	}
	if err := b.Delete(ctx, id.SpecKey()); err != nil {
		return fmt.Errorf("remove %s: %w", id.SpecKey(), err)
	}
	// A checkpoint is found by its blobs and then looked up in the log, so blobs
	// go before the log that names them.
	notLog := func(key string) bool { return !strings.HasPrefix(key, id.LogPrefix()) }
	all := func(string) bool { return true }
	if err := removeAll(ctx, b, id.Prefix(), notLog); err != nil {
		return err
	}
	if err := removeAll(ctx, b, id.Prefix(), all); err != nil {
		return err
	}
	return removeAll(ctx, b, blob.QuarantinePrefix+id.Prefix(), all)
}

// removeAll removes the objects under prefix whose keys are wanted.
func removeAll(ctx context.Context, b blob.Bucket, prefix string, wanted func(key string) bool) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	var listed error
	for info, err := range b.List(gctx, prefix, "") {
		if listed = err; err != nil {
			break
		}
		if !wanted(info.Key) {
			continue
		}
		g.Go(func() error {
			if err := b.Delete(gctx, info.Key); err != nil {
				return fmt.Errorf("remove %s: %w", info.Key, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if listed != nil {
		return fmt.Errorf("list %s: %w", prefix, listed)
	}
	return nil
}

// removeSubmissions removes every submission that asked for the job. Only its
// own content says which job a submission asked for, so all of them are read;
// one that cannot be read is left.
func removeSubmissions(ctx context.Context, b blob.Bucket, id job.ID) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	var listed error
	for key, err := range submission.Keys(gctx, b) {
		if listed = err; err != nil {
			break
		}
		g.Go(func() error {
			def, err := submission.Read(gctx, b, key)
			switch {
			case unreadable(err):
				return nil
			case err != nil:
				return err
			case def.ID != id:
				return nil
			}
			if err := b.Delete(gctx, key); err != nil {
				return fmt.Errorf("remove %s: %w", key, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return listed
}

// unreadable says that an object is not there, or that its content can never be
// read; it does not say that of a store that does not answer.
func unreadable(err error) bool {
	_, format := errors.AsType[*sealed.FormatError](err)
	return format || errors.Is(err, sealed.ErrCorrupt) || errors.Is(err, blob.ErrNotFound)
}
