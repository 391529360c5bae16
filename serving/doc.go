// Package serving holds what all HTTP servers of Cohort share: how they stop,
// who is let in, and TLS.
package serving
