package simulation_test

import (
	"bytes"
	"context"
	"iter"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/mem"
	"github.com/cohort-rl/cohort/job"
)

// store is the model of the object store: a bucket in memory that notices when
// what must never change does.
type store struct {
	staleness map[job.ID]int
	limits    map[job.ID]int // of shards in flight
	*mem.Bucket
	mutation      mutation
	contradiction error
	damages       map[string]damage // by key
	deleted       int               // how often something was
}

// put stores under the condition, unless the run's mutation ignores it.
func (s *store) put(key string, body []byte, cond blob.Condition) (blob.Version, error) {
	ctx := context.Background()
	if s.mutation.ignores(key) {
		cond = blob.Always()
	}
	old, err := s.Get(ctx, key)
	version, putErr := s.Bucket.Put(ctx, key, body, cond)
	_, rotten := s.damages[key]
	if putErr == nil && (rotten || err == nil && !bytes.Equal(old.Body, body) && !hint(key)) && s.contradiction == nil {
		s.contradiction = s.replaced(key, body)
	}
	return version, putErr
}

// Delete is that of the bucket.
func (s *store) Delete(ctx context.Context, key string) error {
	s.deleted++
	return s.Bucket.Delete(ctx, key)
}

// hint says whether an object may be rewritten.
func hint(key string) bool { return strings.HasSuffix(key, "/head.json") }

// bucket is the store as a process sees it.
type bucket struct {
	*world
	by *process
}

// short leaves out of a key what every key of a run has, and what is not a
// function of the seed: which of two hands drew the first nonce.
func short(key string) string {
	key = strings.TrimPrefix(key, "jobs/")
	if i := strings.IndexByte(key, '/'); i > 0 && strings.HasPrefix(key, "job-") {
		key = key[i+1:]
	}
	if strings.Contains(key, "/steps/") || strings.Contains(key, "/blobs/") {
		key = key[:strings.LastIndexByte(key, '/')] + "/blob" // its digest may change with nonces
	}
	return strings.ReplaceAll(key, "0000000000000000000", "")
}

func (b bucket) Get(ctx context.Context, key string) (object blob.Object, err error) {
	c := &call{by: b.by, kind: storeRead, label: "get ", key: key, fail: func(e error) { err = e }}
	c.effect = func() { object, err = b.store.Get(context.WithoutCancel(ctx), key) }
	if gone := b.perform(ctx, c); gone != nil {
		return blob.Object{}, gone
	}
	return object, err
}

func (b bucket) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (version blob.Version, err error) {
	c := &call{by: b.by, kind: storeWrite, label: "put ", key: key, fail: func(e error) { err = e }}
	c.effect = func() { version, err = b.store.put(key, body, cond) }
	if gone := b.perform(ctx, c); gone != nil {
		return "", gone
	}
	return version, err
}

func (b bucket) Head(ctx context.Context, key string) (info blob.Info, err error) {
	c := &call{by: b.by, kind: storeRead, label: "head ", key: key, fail: func(e error) { err = e }}
	c.effect = func() { info, err = b.store.Head(context.WithoutCancel(ctx), key) }
	if gone := b.perform(ctx, c); gone != nil {
		return blob.Info{}, gone
	}
	return info, err
}

func (b bucket) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		var found []blob.Info
		var err error
		c := &call{by: b.by, kind: storeRead, label: "list ", key: prefix, fail: func(e error) { err = e }}
		c.effect = func() {
			for info, e := range b.store.List(context.WithoutCancel(ctx), prefix, after) {
				if err = e; e == nil {
					found = append(found, info)
				}
			}
		}
		if gone := b.perform(ctx, c); gone != nil {
			err = gone
		}
		for i, info := range found {
			if err != nil && i == len(found)/2 {
				break // a page came, and then the error
			}
			if !yield(info, nil) {
				return
			}
		}
		if err != nil {
			yield(blob.Info{}, err)
		}
	}
}

func (b bucket) Delete(ctx context.Context, key string) (err error) {
	c := &call{by: b.by, kind: storeWrite, label: "delete ", key: key, fail: func(e error) { err = e }}
	c.effect = func() {
		b.store.mayGo(key)
		delete(b.store.damages, key) // what was there is of no use any more
		err = b.store.Delete(context.WithoutCancel(ctx), key)
	}
	if gone := b.perform(ctx, c); gone != nil {
		return gone
	}
	return err
}
