package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// brokerFile has the address of the broker of the system that runs on a folder.
const brokerFile = "kafka.addr"

// announceBroker tells others who know the folder where its broker is.
func announceBroker(dir, address string) (withdraw func() error, err error) {
	path := filepath.Join(dir, brokerFile)
	if err := os.WriteFile(path, []byte(address+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("--dir: %w", err)
	}
	return func() error { return os.Remove(path) }, nil
}

// Log calls use with the address of the broker that has the log in dir: that of
// the system which runs there, or one that is started for the time of the call.
func Log(ctx context.Context, dir string, use func(ctx context.Context, broker string) error) error {
	if _, err := os.Stat(filepath.Join(dir, "kafka")); err != nil {
		return ReadLog(ctx, dir, use) // It says what is wrong with the folder.
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err == nil {
		if err := unlock(); err != nil {
			return err
		}
		return ReadLog(ctx, dir, use)
	}
	address, reading := os.ReadFile(filepath.Join(dir, brokerFile)) //nolint:gosec // the folder is the user's choice
	if reading != nil {
		return err
	}
	return use(ctx, strings.TrimSpace(string(address)))
}
