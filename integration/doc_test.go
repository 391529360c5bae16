//go:build services

// Package integration_test runs jobs with the programs that users run, on real
// Redis, Apache Kafka and S3. Start those first, and name them:
//
//	make services-up && . data/services/env && go test -tags services ./integration
package integration_test
