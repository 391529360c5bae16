// Package s3 is a blob.Bucket on a server that speaks Amazon's S3 and honours
// If-None-Match and If-Match on PUT: AWS, MinIO, versitygw and others; blob/probe
// tells which.
//
// Every object is one PUT with the SHA-256 of its body signed in a header, so
// that the server stores what was sent or refuses. Nothing is tried twice here;
// that is blob/retry's.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/cohort-rl/cohort/blob"
)

// Bucket is a blob.Bucket. Versions are ETags.
type Bucket struct {
	client  minio.Core
	bucket  string
	prefix  string // empty, or ends in a slash
	timeout time.Duration
	name    string // for errors: what and where

	sums *atomic.Bool // ETags are the MD5 sums of bodies
}

// Get implements blob.Bucket. A body that is shorter than announced, or whose
// length is not announced, is ErrUnavailable.
func (b *Bucket) Get(ctx context.Context, key string) (blob.Object, error) {
	if err := begin(ctx, "get", key); err != nil {
		return blob.Object{}, err
	}
	object, err := b.get(ctx, key)
	if err != nil {
		return blob.Object{}, b.failed("get", key, err)
	}
	return object, nil
}

func (b *Bucket) fetch(ctx context.Context, key string) (blob.Object, error) {
	request, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	body, info, _, err := b.client.GetObject(request, b.bucket, b.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return blob.Object{}, kindOf(ctx, err)
	}
	defer body.Close()
	switch {
	case info.Size < 0:
		return blob.Object{}, fmt.Errorf("%w: the answer has no length", blob.ErrUnavailable)
	case info.Size > blob.MaxObject:
		return blob.Object{}, fmt.Errorf("%d bytes: %w", info.Size, blob.ErrTooLarge)
	case info.ETag == "":
		return blob.Object{}, fmt.Errorf("%w: the answer has no ETag", blob.ErrDenied)
	}
	content := make([]byte, info.Size)
	if n, err := io.ReadFull(body, content); err != nil {
		return blob.Object{}, fmt.Errorf("%d of %d bytes came: %w", n, info.Size, kindOf(ctx, err))
	}
	return blob.Object{Info: blob.Info{Key: key, Size: info.Size, Version: blob.Version(info.ETag)}, Body: content}, nil
}

// Head implements blob.Bucket. A refusal of HEAD has no body, which would tell a
// missing object from a missing bucket or a wrong address; so a GET decides.
func (b *Bucket) Head(ctx context.Context, key string) (blob.Info, error) {
	if err := begin(ctx, "head", key); err != nil {
		return blob.Info{}, err
	}
	request, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	info, err := b.client.StatObject(request, b.bucket, b.prefix+key, minio.StatObjectOptions{})
	if status := minio.ToErrorResponse(err).StatusCode; err != nil && status >= 400 && status < 500 {
		var body io.ReadCloser
		if body, info, _, err = b.client.GetObject(request, b.bucket, b.prefix+key, minio.GetObjectOptions{}); err == nil {
			body.Close()
		}
	}
	if err != nil {
		return blob.Info{}, b.failed("head", key, kindOf(ctx, err))
	}
	return blob.Info{Key: key, Size: info.Size, Version: blob.Version(info.ETag)}, nil
}

// Delete implements blob.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := begin(ctx, "delete", key); err != nil {
		return err
	}
	request, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	err := b.client.RemoveObject(request, b.bucket, b.prefix+key, minio.RemoveObjectOptions{})
	if err = kindOf(ctx, err); err != nil && !errors.Is(err, blob.ErrNotFound) {
		return b.failed("delete", key, err)
	}
	return nil
}

func (b *Bucket) failed(op, key string, err error) error {
	if errors.Is(err, blob.ErrNotFound) {
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	return fmt.Errorf("%s %s in %s: %w", op, key, b.name, err)
}

func begin(ctx context.Context, op, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	return nil
}

func folder(prefix string) string {
	if prefix == "" {
		return ""
	}
	return strings.TrimSuffix(prefix, "/") + "/"
}
