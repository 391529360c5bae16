package api

import (
	"time"

	"github.com/cohort-rl/cohort/job/dataset"
	"github.com/cohort-rl/cohort/job/spec"
)

// Parts of a submission. The data sets' are named for their roles.
const partSpec = "spec"

// Bounds of requests, in bytes.
const (
	maxHeader = 16 << 10
	maxSmall  = 64 << 10 // of a body that is no submission
	maxReason = 1 << 10
	maxForm   = spec.MaxBytes + 2*dataset.MaxBytes + maxSmall
	maxAnswer = 64 << 20 // of what a client reads
)

// Pages of the list of jobs.
const (
	defaultPage = 50
	maxPage     = 200
)

// Deadlines.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 30 * time.Second
	submitTimeout  = 5 * time.Minute
	idleTimeout    = 2 * time.Minute
	drainTimeout   = 5 * time.Second
	readyTimeout   = 2 * time.Second
	// refusalsTimeout is how long Redis has to tell who refuses the jobs of an
	// answer.
	refusalsTimeout = time.Second
	headEvery       = 250 * time.Millisecond // of a job that is watched
	heartbeat       = 10 * time.Second       // of a stream in which nothing happens
	silence         = 35 * time.Second       // after which a client gives up a stream
)
