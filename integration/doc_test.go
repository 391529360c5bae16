//go:build services

// Package integration_test runs jobs with the programs that users run, on real
// Redis, Apache Kafka and MinIO. Start those first, and name them:
//
//	make services-up && . data/services/env && go test -tags services ./integration
//
// With -args -kills=10 each kind of process is killed ten times.
package integration_test
