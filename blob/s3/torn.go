package s3

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the store's choice for ETags, not a matter of security
	"encoding/hex"
	"fmt"
	"path"

	"github.com/cohort-rl/cohort/blob"
)

// rereads bounds how often an answer is asked for again that looks torn.
const rereads = 5

// get reads an object whose version is that of its body. Some servers look up
// the ETag and open the body one after the other, so that a replacement between
// the two gives the version of one write with the body of another (seen with
// versitygw 1.8): who replaces by that version is refused although nobody came
// between. What comes twice is what the store holds.
func (b *Bucket) get(ctx context.Context, key string) (blob.Object, error) {
	object, err := b.fetch(ctx, key)
	for range rereads {
		if err != nil || !b.looksTorn(object) {
			return object, err
		}
		before := object
		if object, err = b.fetch(ctx, key); err == nil && object.Version == before.Version && bytes.Equal(object.Body, before.Body) {
			return object, nil
		}
	}
	if err == nil && b.looksTorn(object) {
		return blob.Object{}, fmt.Errorf("%w: body and ETag are those of different writes, %d times in a row", blob.ErrUnavailable, rereads+1)
	}
	return object, err
}

// learn notes that the store's ETags are the MD5 sums of bodies, as most are.
func (b *Bucket) learn(key string, body []byte, tag string) {
	if !b.sums.Load() && !named(key) && tag == sum(body) {
		b.sums.Store(true)
	}
}

// looksTorn says whether an object that may be replaced came with another ETag
// than its body has.
func (b *Bucket) looksTorn(o blob.Object) bool {
	return b.sums.Load() && !named(o.Key) && string(o.Version) != sum(o.Body)
}

// named says whether a key names its content, which then never changes and is
// verified by whoever reads it.
func named(key string) bool {
	_, err := blob.ParseDigest(path.Base(key))
	return err == nil
}

func sum(body []byte) string {
	s := md5.Sum(body) //nolint:gosec // as above
	return hex.EncodeToString(s[:])
}
