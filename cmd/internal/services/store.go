package services

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/blob/probe"
	"github.com/cohort-rl/cohort/blob/s3"
	"github.com/cohort-rl/cohort/secret"
)

// StoreAccess is how to be let in by an s3 store. Empty leaves it to the
// environment, AWS's files and the cloud's machine.
type StoreAccess struct {
	Key        string `name:"store-access-key" env:"COHORT_STORE_ACCESS_KEY" placeholder:"KEY" group:"Object store" help:"Access key of an s3 store. Default: AWS_ACCESS_KEY_ID and the like, AWS's files, or the role of the cloud's machine."`
	Secret     Secret `name:"store-secret-key" env:"COHORT_STORE_SECRET_KEY" placeholder:"SECRET" group:"Object store" help:"Secret key that belongs to it. Rather use the environment or a file."`
	SecretFile string `name:"store-secret-key-file" env:"COHORT_STORE_SECRET_KEY_FILE" placeholder:"FILE" group:"Object store" help:"File with the secret key."`
}

// Validate names the first flag that does not go with the others. It reads no
// file.
func (a StoreAccess) Validate() error {
	switch given := a.Secret != "" || a.SecretFile != ""; {
	case a.Secret != "" && a.SecretFile != "":
		return errors.New("--store-secret-key and --store-secret-key-file are both set: take one away")
	case given && a.Key == "":
		return errors.New("--store-access-key is not set, but the secret key is: set both or neither")
	case !given && a.Key != "":
		return errors.New("--store-access-key is set without the secret key: set --store-secret-key or --store-secret-key-file")
	}
	return nil
}

// Credentials reads the secret key's file, if there is one.
func (a StoreAccess) Credentials() (s3.Credentials, error) {
	key, err := secret.Choose(a.Secret, a.SecretFile)
	if err != nil {
		return s3.Credentials{}, fmt.Errorf("--store-secret-key-file: %w", err)
	}
	return s3.Credentials{AccessKey: a.Key, SecretKey: key}, nil
}

// OpenStore opens the store without asking it anything. A folder is made where
// it is missing, a bucket never. What it needs is released when ctx ends.
func (c Config) OpenStore(ctx context.Context) (blob.Bucket, error) {
	credentials, err := c.StoreAccess.Credentials()
	if err != nil {
		return nil, err
	}
	return open.Open(ctx, c.Store, open.Options{Create: true, Credentials: credentials})
}

// CheckStore asks the store once: does it answer, let us in, and keep the
// conditions that Cohort's safety rests on? It leaves nothing behind unless the
// store fails meanwhile. Errors are *Fault.
func (c Config) CheckStore(ctx context.Context, store blob.Bucket) ([]probe.Check, error) {
	checks, err := probe.Run(ctx, store, Nonce())
	if err != nil {
		return checks, c.storeFault(err)
	}
	return checks, nil
}

// storeFault says what an error of the store means.
func (c Config) storeFault(err error) *Fault {
	f := &Fault{What: "the store " + c.Store, Err: err, Lasting: true}
	switch {
	case errors.Is(err, probe.ErrUnfit):
		f.What += " does not keep conditions on writes"
		f.Remedy = "name another with --store: AWS S3, MinIO and versitygw 1.8 (without --sidecar) keep If-None-Match and If-Match"
	case blob.Temporary(err), errors.Is(err, context.DeadlineExceeded):
		f.What += " does not answer"
		f.Remedy = "start it, or name another with --store"
		f.Lasting = false
	case errors.Is(err, s3.ErrCredentials):
		f.What += " refuses"
		f.Remedy = "or give others with --store-access-key and --store-secret-key"
	case errors.Is(err, blob.ErrDenied) && strings.HasPrefix(c.Store, "s3:"):
		f.What += " refuses"
		f.Remedy = "check --store"
	default:
		f.What += " cannot be used"
		f.Remedy = "check --store and what its user may do there"
	}
	return f
}

// sweep removes what killed writers left half-written in a folder.
func (c Config) sweep(ctx context.Context, store blob.Bucket, logger *slog.Logger) error {
	files, ok := store.(interface {
		Sweep(ctx context.Context) (int, error)
	})
	if !ok {
		return nil
	}
	n, err := files.Sweep(ctx)
	if err != nil {
		return c.storeFault(err)
	}
	if n > 0 {
		logger.Info("Swept what killed writers left half-written.", "files", n)
	}
	return nil
}
