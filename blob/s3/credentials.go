package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Credentials of an account on the store.
type Credentials struct {
	AccessKey    string
	SecretKey    Secret
	SessionToken Secret // of temporary credentials
}

// Secret is text that prints as [redacted], whatever prints it.
type Secret string

const redacted = "[redacted]"

// Format implements fmt.Formatter.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalText implements encoding.TextMarshaler, and so JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText implements encoding.TextUnmarshaler, for flags and files.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

var errNoCredentials = errors.New("credentials: none found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials")

// credentials returns the configured credentials, or a chain that has found some.
func (c Config) credentials(ctx context.Context, endpoint *url.URL, transport *http.Transport) (*credentials.Credentials, error) {
	given := c.Credentials
	if (given.AccessKey == "") != (given.SecretKey == "") {
		return nil, errors.New("credentials: access key and secret key are given together or not at all")
	}
	if given.AccessKey != "" {
		return credentials.NewStaticV4(given.AccessKey, string(given.SecretKey), string(given.SessionToken)), nil
	}
	providers := []credentials.Provider{&credentials.EnvAWS{}, &credentials.EnvMinio{}, &credentials.FileAWSCredentials{}}
	if strings.HasSuffix(endpoint.Hostname(), ".amazonaws.com") {
		providers = append(providers, &credentials.IAM{})
	}
	chain := credentials.NewChainCredentials(providers)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found, err := chain.GetWithContext(&credentials.CredContext{Context: ctx, Client: &http.Client{Transport: transport}})
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	if found.AccessKeyID == "" || found.SecretAccessKey == "" {
		return nil, errNoCredentials
	}
	return chain, nil
}
