package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sync/errgroup"
)

// raw moves the source with minio-go alone: the same parts, as many at once, and
// the same SHA-256 of each.
func (o options) raw(ctx context.Context) error {
	u, err := url.Parse(o.store)
	if err != nil {
		return err
	}
	endpoint, err := url.Parse(u.Query().Get("endpoint"))
	if err != nil {
		return err
	}
	client, err := minio.NewCore(endpoint.Host, &minio.Options{Creds: credentials.NewEnvAWS(), Secure: endpoint.Scheme == "https", Region: "us-east-1"})
	if err != nil {
		return err
	}
	flags, name := os.O_RDONLY, o.source
	if o.do == "raw-s3-load" {
		flags, name = os.O_RDWR|os.O_CREATE|os.O_TRUNC, o.source+".raw"
	}
	f, err := os.OpenFile(name, flags, 0o600) //nolint:gosec // a folder of the bench's own
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	prefix := strings.TrimPrefix(u.Path, "/")
	for at := int64(0); at < o.size<<20; at += chunk {
		key := fmt.Sprintf("%s/raw/%d", prefix, at)
		g.Go(func() error {
			if o.do == "raw-s3-save" {
				return upload(ctx, client, u.Host, key, f, at, min(chunk, o.size<<20-at))
			}
			return download(ctx, client, u.Host, key, f, at)
		})
	}
	return g.Wait()
}

func upload(ctx context.Context, client *minio.Core, bucket, key string, f *os.File, at, size int64) error {
	body := make([]byte, size)
	if _, err := f.ReadAt(body, at); err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	_, err := client.PutObject(ctx, bucket, key, bytes.NewReader(body), size, "", hex.EncodeToString(sum[:]), minio.PutObjectOptions{DisableContentSha256: true})
	return err
}

func download(ctx context.Context, client *minio.Core, bucket, key string, f *os.File, at int64) error {
	object, info, _, err := client.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = object.Close() }()
	body := make([]byte, info.Size)
	if _, err := io.ReadFull(object, body); err != nil {
		return err
	}
	_ = sha256.Sum256(body)
	_, err = f.WriteAt(body, at)
	return err
}

// copied is cp, and then sha256sum of what it wrote.
func (o options) copied(ctx context.Context) error {
	for _, command := range []*exec.Cmd{
		exec.CommandContext(ctx, "cp", o.source, o.source+".copy"),    //nolint:gosec // a folder of the bench's own
		exec.CommandContext(ctx, "sha256sum", "-b", o.source+".copy"), //nolint:gosec // a folder of the bench's own
	} {
		if err := command.Run(); err != nil {
			return err
		}
	}
	return os.Remove(o.source + ".copy")
}
