// Package open makes a store of its URL, the value of --store:
//
//	file:///absolute/directory
//	s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=us-east-1&style=path&ca=/path/ca.pem
//
// prefix and every parameter may be left out. Credentials are no part of a URL.
package open

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/fs"
	"github.com/cohort-rl/cohort/blob/s3"
)

// Options are what a store's URL does not say.
type Options struct {
	// Create makes the directory of a file store where it is missing. A bucket
	// is never created.
	Create bool

	// Credentials for s3, where empty, come from the environment and AWS's
	// files; see s3.Config.
	Credentials s3.Credentials

	// Timeout bounds each request to a server; zero means s3's own.
	Timeout time.Duration
}

const forms = "want file:///DIR or s3://BUCKET/PREFIX?endpoint=http://HOST:PORT&region=REGION&style=path"

// Open returns the store at address, without asking a server anything; probe.Run
// does. What it needs is released when ctx ends. Errors name the part of the URL
// and the remedy, and never repeat what may hold a secret.
func Open(ctx context.Context, address string, options Options) (blob.Bucket, error) {
	if address == "" {
		return nil, errors.New("--store is empty: " + forms)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("--store is no URL: " + forms)
	}
	if u.User != nil {
		return nil, errors.New("--store holds credentials: take them out and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	switch u.Scheme {
	case "file":
		return openDirectory(u, options)
	case "s3":
		return openServer(ctx, u, options)
	case "":
		return nil, fmt.Errorf("--store %q has no scheme: %s", u.Path, forms)
	default:
		return nil, fmt.Errorf("--store has the scheme %q: %s", u.Scheme, forms)
	}
}

func openDirectory(u *url.URL, options Options) (blob.Bucket, error) {
	if u.Host != "" && u.Host != "localhost" {
		return nil, fmt.Errorf("--store file://%s%s names the host %q: a directory needs three slashes, file:///DIR", u.Host, u.Path, u.Host)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("--store: a file URL takes no ? or #; write %3F or %23 if the directory's name has one")
	}
	if u.Opaque != "" || !filepath.IsAbs(u.Path) {
		return nil, errors.New("--store: a file URL needs an absolute directory, file:///DIR")
	}
	if options.Create {
		return bucket(fs.Create(u.Path))
	}
	b, err := fs.Open(u.Path)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, fmt.Errorf("--store: there is no store in %s; check the directory, or start a coordinator on it first: %w", u.Path, err)
	}
	return bucket(b, err)
}

func openServer(ctx context.Context, u *url.URL, options Options) (blob.Bucket, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil || u.Fragment != "" {
		return nil, errors.New("--store: what follows the ? cannot be read: " + forms)
	}
	known := []string{"endpoint", "region", "style", "ca"}
	var given []string
	for name := range query {
		given = append(given, name)
	}
	slices.Sort(given)
	for _, name := range given {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("--store has the unknown parameter %q: known are %s", name, strings.Join(known, ", "))
		}
		if len(query[name]) != 1 || query.Get(name) == "" {
			return nil, fmt.Errorf("--store: give %s one value", name)
		}
	}
	return bucket(s3.New(ctx, s3.Config{
		Endpoint: query.Get("endpoint"), Bucket: u.Host, Prefix: strings.Trim(u.Path, "/"),
		Region: query.Get("region"), Style: s3.Style(query.Get("style")), CA: query.Get("ca"),
		Credentials: options.Credentials, Timeout: options.Timeout,
	}))
}

// bucket turns a typed result into the contract, without a typed nil.
func bucket[B blob.Bucket](b B, err error) (blob.Bucket, error) {
	if err != nil {
		return nil, fmt.Errorf("--store: %w", err)
	}
	return b, nil
}
