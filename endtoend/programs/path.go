package programs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// OnPath builds packages as Build does and puts the programs first on PATH, for
// all tests of a package. remove deletes them.
func OnPath(ctx context.Context, packages ...string) (remove func(), err error) {
	dir, err := os.MkdirTemp("", "cohort-programs-")
	if err != nil {
		return nil, err
	}
	if err := Build(ctx, dir, packages...); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := os.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH")); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return func() { _ = os.RemoveAll(dir) }, nil // a folder for temporary files
}
