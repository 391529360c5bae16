package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"path"
	"sync/atomic"

	"github.com/minio/minio-go/v7"

	"github.com/cohort-rl/cohort/blob"
)

// Put implements blob.Bucket. When the server says that the condition does not
// hold, what is there is read back, for it may be this very body: put by a
// request whose answer was lost, or by another writer with the same result.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	if err := blob.CheckPut(key, body, cond); err != nil {
		return "", err
	}
	if err := begin(ctx, "put", key); err != nil {
		return "", err
	}
	version, err := b.put(ctx, key, body, cond)
	if errors.Is(err, errPrecondition) {
		return b.readBack(ctx, key, body, cond)
	}
	if err != nil {
		return "", b.failed("put", key, err)
	}
	return version, nil
}

func (b *Bucket) put(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	request, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	var sent atomic.Bool
	request = httptrace.WithClientTrace(request, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	// The digest goes into a signed header. Checksums in trailers and signatures
	// of chunks inside the body are not understood by every server.
	options := minio.PutObjectOptions{DisableContentSha256: true, ContentType: "application/octet-stream"}
	if cond.Absent() {
		options.SetMatchETagExcept("*")
	}
	if version, ok := cond.Match(); ok {
		options.SetMatchETag(string(version))
	}
	lease := &lease{body: body}
	defer lease.end()
	info, err := b.client.PutObject(request, b.bucket, b.prefix+key, lease, int64(len(body)), "", string(digest(key, body)), options)
	if err == nil && info.ETag == "" {
		return "", fmt.Errorf("%w: the answer has no ETag", blob.ErrDenied)
	}
	if err != nil {
		return "", kindOfPut(ctx, err, sent.Load(), cond)
	}
	b.learn(key, body, info.ETag)
	return blob.Version(info.ETag), nil
}

// digest is that of body. A key that ends in a digest names it: the server, which
// computes it too, refuses any other body there.
func digest(key string, body []byte) blob.Digest {
	if d, err := blob.ParseDigest(path.Base(key)); err == nil {
		return d
	}
	return blob.DigestOf(body)
}

func (b *Bucket) readBack(ctx context.Context, key string, body []byte, cond blob.Condition) (blob.Version, error) {
	found, err := b.get(ctx, key)
	_, replaces := cond.Match()
	switch {
	case errors.Is(err, blob.ErrNotFound) && !replaces:
		return "", fmt.Errorf("put %s: it was deleted meanwhile: %w", key, blob.ErrConflict)
	case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrTooLarge):
		return "", cond.Failed(key)
	case err != nil:
		return "", b.failed("read back", key, err)
	case bytes.Equal(found.Body, body):
		return found.Version, nil
	default:
		return "", cond.Failed(key)
	}
}
