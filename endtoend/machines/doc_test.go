//go:build services

// Package machines_test trains with binaries for several kinds of machines and
// holds their checkpoints against each other. Those that do not run here are
// emulated by qemu's user mode, which qemu.sh finds or fetches from Debian:
//
//	go test -tags services ./endtoend/machines
package machines_test
