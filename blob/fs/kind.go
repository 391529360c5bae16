package fs

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/cohort-rl/cohort/blob"
)

// kindOf wraps an error of the system with the contract's kind.
func kindOf(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, blob.ErrTooLarge):
		return err
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTSUP):
		return fmt.Errorf("%w: %w", blob.ErrDenied, err)
	case errors.Is(err, syscall.ENAMETOOLONG):
		return fmt.Errorf("%w: %w", blob.ErrInvalidKey, err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%w: it is the folder of another key, or the reverse: %w", blob.ErrInvalidKey, err)
	default:
		return fmt.Errorf("%w: %w", blob.ErrUnavailable, err)
	}
}

// absent reports that no object has the name: nothing is there, or a directory,
// or a parent is a file.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
