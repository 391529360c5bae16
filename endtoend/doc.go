// Package endtoend runs the programs as a user would, and holds what they
// leave behind against what they said.
package endtoend
