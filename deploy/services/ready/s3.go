package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/cohort-rl/cohort/trust"
)

// askS3 makes the bucket of a store unless it is there.
func askS3(ctx context.Context, store string) error {
	u, err := url.Parse(store)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	endpoint, err := url.Parse(u.Query().Get("endpoint"))
	if err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	transport, err := minio.DefaultTransport(endpoint.Scheme == "https")
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	if file := u.Query().Get("ca"); file != "" {
		if transport.TLSClientConfig, err = trust.Client(file); err != nil {
			return err
		}
	}
	bucket, region := u.Host, u.Query().Get("region")
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds: credentials.NewEnvAWS(), Secure: endpoint.Scheme == "https", Transport: transport,
		Region: region, BucketLookup: minio.BucketLookupPath, MaxRetries: 1,
	})
	if err != nil {
		return fmt.Errorf("endpoint %s: %w", endpoint, err)
	}
	there, err := client.BucketExists(ctx, bucket)
	if err != nil {
		return fmt.Errorf("look for bucket %s at %s: %w", bucket, endpoint, err)
	}
	if there {
		return nil
	}
	if err := client.MakeBucket(ctx, bucket, minio.MakeBucketOptions{Region: region}); err != nil {
		return fmt.Errorf("make bucket %s at %s: %w", bucket, endpoint, err)
	}
	return nil
}
