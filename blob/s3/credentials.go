package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/cohort-rl/cohort/secret"
)

// Credentials of an account on the store.
type Credentials struct {
	AccessKey    string
	SecretKey    secret.Text
	SessionToken secret.Text // of temporary credentials
}

var errNoCredentials = errors.New("credentials: none found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write ~/.aws/credentials")

// credentials returns the configured credentials, or a chain that has found some.
func (c Config) credentials(ctx context.Context, endpoint *url.URL, transport *http.Transport) (*credentials.Credentials, error) {
	given := c.Credentials
	if (given.AccessKey == "") != (given.SecretKey == "") {
		return nil, errors.New("credentials: access key and secret key are given together or not at all")
	}
	if given.AccessKey != "" {
		return credentials.NewStaticV4(given.AccessKey, given.SecretKey.Reveal(), given.SessionToken.Reveal()), nil
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
