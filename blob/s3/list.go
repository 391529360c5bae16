package s3

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/cohort-rl/cohort/blob"
)

// List implements blob.Bucket, a page of 1,000 keys at a time. A server that
// lists out of order is ErrDenied.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		err := cmp.Or(blob.CheckPrefix(prefix), blob.CheckPrefix(after), ctx.Err())
		if err == nil {
			err = b.list(ctx, prefix, after, yield)
		}
		if err != nil {
			yield(blob.Info{}, fmt.Errorf("list %q in %s: %w", prefix, b.name, err))
		}
	}
}

// list returns nil when it came to the end or yield asked to stop.
func (b *Bucket) list(ctx context.Context, prefix, after string, yield func(blob.Info, error) bool) error {
	for {
		page, err := b.page(ctx, prefix, after)
		if err != nil {
			return err
		}
		for _, object := range page {
			key := strings.TrimPrefix(object.Key, b.prefix)
			if !strings.HasPrefix(object.Key, b.prefix+prefix) || key <= after {
				return fmt.Errorf("%w: it lists %q after %q", blob.ErrDenied, key, after)
			}
			after = key
			if blob.CheckKey(key) != nil {
				continue // a folder's marker, or not ours
			}
			if !yield(blob.Info{Key: key, Size: object.Size, Version: blob.Version(object.ETag)}, nil) {
				return nil
			}
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

const pageSize = 1000

// page returns up to pageSize objects; fewer are the last.
func (b *Bucket) page(ctx context.Context, prefix, after string) ([]minio.ObjectInfo, error) {
	request, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	owner := false
	options := minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true, MaxKeys: pageSize, FetchOwner: &owner}
	if after != "" {
		options.StartAfter = b.prefix + after
	}
	var page []minio.ObjectInfo
	for object := range b.client.ListObjectsIter(request, b.bucket, options) {
		if object.Err != nil {
			return nil, kindOf(ctx, object.Err)
		}
		if page = append(page, object); len(page) == pageSize {
			return page, nil
		}
	}
	// An iterator whose context ended stops without saying so.
	return page, kindOf(ctx, request.Err())
}
