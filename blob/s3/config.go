package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/proxy"
	"github.com/cohort-rl/cohort/trust"
)

// Config says where the store is. Only Bucket is needed for AWS.
type Config struct {
	Endpoint string // http://host:port or https://host:port; empty for AWS
	Bucket   string
	Prefix   string // a folder in the bucket, at most blob.MaxPrefix-1 bytes
	Region   string // empty: AWS_REGION, AWS_DEFAULT_REGION, us-east-1
	Style    Style
	CA       string // a PEM file of authorities to trust beside the system's

	// Credentials, where empty, come from the environment (AWS_ACCESS_KEY_ID,
	// MINIO_ROOT_USER), AWS's files, and on AWS from the instance's role.
	Credentials Credentials

	// Timeout bounds each request with its body; zero means two minutes.
	Timeout time.Duration
}

// Style is how a bucket is addressed.
type Style string

// The styles: by what the endpoint looks like, by path, by host name.
const (
	Auto    Style = "auto"
	Path    Style = "path"
	Virtual Style = "virtual"
)

// New returns the store that config describes, without asking it anything. Its
// idle connections are closed when ctx ends. Errors name the field.
func New(ctx context.Context, config Config) (*Bucket, error) {
	endpoint, err := config.endpoint()
	if err != nil {
		return nil, err
	}
	if err := checkFolder(config.Prefix); err != nil {
		return nil, err
	}
	lookup, err := config.Style.lookup()
	if err != nil {
		return nil, err
	}
	way, err := proxy.To(endpoint)
	if err != nil {
		return nil, err
	}
	transport, err := config.transport(way)
	if err != nil {
		return nil, err
	}
	chain, err := config.credentials(ctx, endpoint, transport)
	if err != nil {
		return nil, err
	}
	client, err := minio.NewCore(endpoint.Host, &minio.Options{
		Creds: chain, Secure: endpoint.Scheme == "https", Transport: transport,
		Region: config.region(), BucketLookup: lookup, MaxRetries: 1,
	})
	if err != nil {
		return nil, fmt.Errorf("endpoint %q: %w", config.Endpoint, err)
	}
	context.AfterFunc(ctx, transport.CloseIdleConnections)
	timeout := config.Timeout
	if timeout <= 0 {
		timeout = 2 * time.Minute
	}
	prefix := folder(config.Prefix)
	return &Bucket{
		sums:   new(atomic.Bool),
		client: *client, bucket: config.Bucket, prefix: prefix, timeout: timeout,
		name: fmt.Sprintf("s3://%s/%s at %s%s", config.Bucket, prefix, endpoint.Host, way.Describe()),
	}, nil
}

func checkFolder(prefix string) error {
	if prefix == "" {
		return nil
	}
	if len(prefix) >= blob.MaxPrefix {
		return fmt.Errorf("prefix: %d bytes, at most %d are allowed", len(prefix), blob.MaxPrefix-1)
	}
	if err := blob.CheckKey(prefix); err != nil {
		return fmt.Errorf("prefix: %w", err)
	}
	return nil
}

const amazon = "https://s3.amazonaws.com"

func (c Config) endpoint() (*url.URL, error) {
	if c.Bucket == "" {
		return nil, errors.New("bucket: it is missing")
	}
	if err := s3utils.CheckValidBucketName(c.Bucket); err != nil {
		return nil, fmt.Errorf("bucket %q: %w; write s3://BUCKET/PREFIX", c.Bucket, err)
	}
	text := c.Endpoint
	if text == "" {
		text = amazon
	}
	endpoint, err := url.Parse(text)
	if err != nil || endpoint.Host == "" || endpoint.Scheme != "http" && endpoint.Scheme != "https" ||
		strings.Trim(endpoint.Path, "/") != "" || endpoint.RawQuery != "" || endpoint.User != nil {
		// The text is not repeated: it may hold a password.
		return nil, errors.New("endpoint: want http://HOST:PORT or https://HOST:PORT, without path, query or credentials")
	}
	return endpoint, nil
}

func (s Style) lookup() (minio.BucketLookupType, error) {
	switch s {
	case "", Auto:
		return minio.BucketLookupAuto, nil
	case Path:
		return minio.BucketLookupPath, nil
	case Virtual:
		return minio.BucketLookupDNS, nil
	default:
		return 0, fmt.Errorf("style %q: want %s, %s or %s", string(s), Auto, Path, Virtual)
	}
}

func (c Config) region() string {
	for _, region := range []string{c.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")} {
		if region != "" {
			return region
		}
	}
	return "us-east-1"
}

// transport never decompresses: an object's bytes are what was stored.
func (c Config) transport(way proxy.Way) (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	transport := &http.Transport{
		Proxy:                 way.Choose,
		DialContext:           dialer.DialContext,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       time.Minute,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true,
	}
	if c.CA == "" {
		return transport, nil
	}
	settings, err := trust.Client(c.CA)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	transport.TLSClientConfig = settings
	return transport, nil
}
