package endtoend_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestNothingOutsideItsFolderIsTouched(t *testing.T) {
	t.Parallel()
	home, tmp := t.TempDir(), t.TempDir()
	cmd := exec.CommandContext(t.Context(), program(t), "demo", "--dir", t.TempDir(), "--steps", "1", "--held-out", "20")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+tmp)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, dir := range []string{home, tmp, cmd.Dir} {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err == nil && path != dir {
				t.Errorf("it left %s", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
