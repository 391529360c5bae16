// Package cache is a blob.Bucket around another that keeps, in memory and up to
// a bound, objects that never change: those whose key ends in the digest of
// their content. What does not have the digest that its key names is not kept,
// and what is kept is verified again whenever it is handed out.
package cache

import (
	"bytes"
	"container/list"
	"context"
	"strings"
	"sync"

	"github.com/cohort-rl/cohort/blob"
)

// Observer is told of each read of an object that may be kept: whether it was,
// and how many bytes are kept after it. It is called by several goroutines at
// once and returns at once.
type Observer func(hit bool, held int64)

// Bucket is a blob.Bucket. It keeps the contract of the bucket it wraps, but for
// one thing: an object that another process has deleted or damaged since it was
// read may still be read as it was. Whoever puts or deletes an object through it
// reads the store next.
type Bucket struct {
	blob.Bucket
	limit int64
	tell  Observer

	mu      sync.Mutex // guards what follows
	held    int64      // bytes of bodies; at most limit
	kept    map[string]*list.Element
	order   *list.List // of blob.Object, the one that was read last in front
	reading map[string]*flight
}

// flight is one or more reads of an object that are under way.
type flight struct {
	readers int
	spoilt  bool // the object was put or deleted meanwhile: what is read may be gone
}

// New wraps inner and keeps at most limit bytes of bodies. With a limit of 0 it
// looks at nothing.
func New(inner blob.Bucket, limit int64, tell Observer) *Bucket {
	return &Bucket{Bucket: inner, limit: limit, tell: tell, kept: map[string]*list.Element{}, order: list.New(), reading: map[string]*flight{}}
}

// Get implements blob.Bucket.
func (b *Bucket) Get(ctx context.Context, key string) (blob.Object, error) {
	digest, ok := digestOf(key)
	if !ok || b.limit <= 0 || ctx.Err() != nil {
		return b.Bucket.Get(ctx, key)
	}
	if object, ok := b.find(key); ok {
		if blob.Verify(key, object.Body, digest) == nil {
			b.tell(true, b.size())
			return object, nil
		}
		b.forget(key) // memory that fails is no reason to fail
	}
	f := b.begin(key)
	object, err := b.Bucket.Get(ctx, key)
	b.end(f, object, key, err == nil && blob.Verify(key, object.Body, digest) == nil)
	b.tell(false, b.size())
	return object, err
}

// Put implements blob.Bucket.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	b.forget(key)
	defer b.forget(key)
	return b.Bucket.Put(ctx, key, body, cond)
}

// Delete implements blob.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	b.forget(key)
	defer b.forget(key)
	return b.Bucket.Delete(ctx, key)
}

// digestOf is the digest that a key ends in.
func digestOf(key string) (blob.Digest, bool) {
	digest, err := blob.ParseDigest(key[strings.LastIndexByte(key, '/')+1:])
	return digest, err == nil
}

// find returns a copy of what is kept.
func (b *Bucket) find(key string) (blob.Object, bool) {
	b.mu.Lock()
	element, ok := b.kept[key]
	if !ok {
		b.mu.Unlock()
		return blob.Object{}, false
	}
	b.order.MoveToFront(element)
	object := element.Value.(blob.Object)
	b.mu.Unlock()
	object.Body = bytes.Clone(object.Body) // nobody changes what is kept
	return object, true
}

func (b *Bucket) begin(key string) *flight {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.reading[key]
	if f == nil {
		f = &flight{}
		b.reading[key] = f
	}
	f.readers++
	return f
}

// end keeps a copy of what was read of key, if it is good and there is room.
func (b *Bucket) end(f *flight, object blob.Object, key string, good bool) {
	good = good && object.Size <= b.limit
	if good {
		object.Body = bytes.Clone(object.Body)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if f.readers--; f.readers == 0 && b.reading[key] == f {
		delete(b.reading, key)
	}
	if !good || f.spoilt || b.kept[key] != nil {
		return
	}
	for b.held+object.Size > b.limit {
		b.drop(b.order.Back())
	}
	b.held += object.Size
	b.kept[key] = b.order.PushFront(object)
}

// forget drops what is kept of key, and what is being read of it.
func (b *Bucket) forget(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.reading[key]; f != nil {
		f.spoilt = true
		delete(b.reading, key)
	}
	if element, ok := b.kept[key]; ok {
		b.drop(element)
	}
}

func (b *Bucket) drop(element *list.Element) {
	object := b.order.Remove(element).(blob.Object)
	delete(b.kept, object.Key)
	b.held -= object.Size
}

func (b *Bucket) size() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}
