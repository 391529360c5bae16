// Package training holds the tests of what a demo ends at and leaves behind. They
// train for long, and run without the race detector, which slows training six times.
package training
