package index

import (
	"context"
	"errors"
	"fmt"

	"github.com/cohort-rl/cohort/blob"
)

// Prefix is what the keys of indexes begin with.
const Prefix = "index/"

// key is where an index lies: those that reach further come later.
func (x *Index) key(body []byte) string {
	end := int64(0)
	for _, r := range x.Ranges {
		end += r.Until
	}
	return fmt.Sprintf("%s%s/%020d-%s", Prefix, x.Topic, end, blob.DigestOf(body))
}

// Save stores the index and returns its key and its size.
func (x *Index) Save(ctx context.Context, bucket blob.Bucket) (key string, bytes int, err error) {
	body, err := x.Encode()
	if err != nil {
		return "", 0, err
	}
	key = x.key(body)
	if _, err := bucket.Put(ctx, key, body, blob.IfAbsent()); err != nil {
		return "", 0, fmt.Errorf("save index: %w", err)
	}
	return key, len(body), nil
}

// Load is the index of a topic that reaches furthest, and how many bytes were
// read for it. The error wraps blob.ErrNotFound if there is none, and ErrCorrupt
// if it is damaged.
func Load(ctx context.Context, bucket blob.Bucket, topic string) (x *Index, bytes int, err error) {
	last := ""
	for info, err := range bucket.List(ctx, Prefix+topic+"/", "") {
		if err != nil {
			return nil, 0, fmt.Errorf("look for an index of %s: %w", topic, err)
		}
		last = info.Key
	}
	if last == "" {
		return nil, 0, fmt.Errorf("look for an index of %s: %w", topic, blob.ErrNotFound)
	}
	object, err := bucket.Get(ctx, last)
	if err != nil {
		return nil, 0, fmt.Errorf("read index: %w", err)
	}
	x, err = Decode(object.Body)
	if err == nil && x.Topic != topic {
		err = fmt.Errorf("%w: it is of the topic %q", ErrCorrupt, x.Topic)
	}
	if err != nil {
		return nil, len(object.Body), fmt.Errorf("read index %s: %w", last, err)
	}
	return x, len(object.Body), nil
}

// Unusable reports whether an error says that an index is no use, so that the
// range is to be read whole.
func Unusable(err error) bool { return errors.Is(err, ErrStale) || errors.Is(err, ErrCorrupt) }
