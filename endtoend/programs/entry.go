package programs

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// AwaitEntry returns once entry n of the log of the only job in a demo's folder
// is there.
func AwaitEntry(ctx context.Context, dir string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	pattern := filepath.Join(dir, "store", "jobs", "*", "log", fmt.Sprintf("%020d.json", n))
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if found, err := filepath.Glob(pattern); err != nil || len(found) > 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("log entry %d did not appear in %s: %w", n, dir, ctx.Err())
		}
	}
}
