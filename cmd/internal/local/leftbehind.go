package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cohort-rl/cohort/embedded"
)

// ReadLog starts a broker on the log that a system left in dir, and calls use
// with its address. It fails if there is none, or while a system runs on it.
func ReadLog(ctx context.Context, dir string, use func(ctx context.Context, broker string) error) (err error) {
	log := filepath.Join(dir, "kafka")
	if _, err := os.Stat(log); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--dir %s: there is no log in it: name the folder of a `cohort demo` or `cohort up`", dir)
	} else if err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	kafka, err := embedded.StartKafka(ctx, embedded.KafkaConfig{Dir: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kafka.Close()) }()
	return use(ctx, kafka.Addr())
}
