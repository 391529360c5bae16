package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Names of what is written. Batches lie in the folder BatchFolder.
const (
	PolicyFile      = "policy.safetensors"
	ManifestFile    = "manifest.json"
	SpecFile        = "spec.yaml"
	MetricsFile     = "metrics.jsonl"
	EvaluationsFile = "evaluations.jsonl"
	LedgerFile      = "ledger.parquet"
	CurveFile       = "curve.svg"
	BatchFolder     = "batches"
)

// checkFolder refuses a folder that holds something, before anything is fetched.
func checkFolder(dir string, force bool) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && (len(entries) == 0 || force):
		return nil
	case err != nil:
		return fmt.Errorf("results folder: %w", err)
	}
	return fmt.Errorf("%s: %w: it holds %s", dir, ErrNotEmpty, entries[0].Name())
}

// staging is where files are written before they appear: a folder beside the
// one that is asked for, so that it can be renamed.
type staging struct {
	root  string // to be removed
	files string // the folder of the files
}

func stage(dir string) (staging, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return staging{}, fmt.Errorf("results folder: %w", err)
	}
	beside := filepath.Dir(dir)
	if err := os.MkdirAll(beside, 0o777); err != nil {
		return staging{}, fmt.Errorf("results folder: %w", err)
	}
	root, err := os.MkdirTemp(beside, ".cohort-results-")
	if err != nil {
		return staging{}, fmt.Errorf("results folder: %w", err)
	}
	s := staging{root: root, files: filepath.Join(root, "files")}
	if err := os.Mkdir(s.files, 0o777); err != nil {
		return staging{}, errors.Join(fmt.Errorf("results folder: %w", err), os.RemoveAll(root))
	}
	return s, nil
}

// list is what was written, in the order of names, the batches last.
func (s staging) list() ([]File, error) {
	var files, batches []File
	err := filepath.WalkDir(s.files, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(s.files, path)
		if filepath.Dir(name) == BatchFolder {
			batches = append(batches, File{name, info.Size()})
		} else {
			files = append(files, File{name, info.Size()})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list results: %w", err)
	}
	return append(files, batches...), nil
}

// install makes the files appear in dir: all at once where there is no dir or
// an empty one, else file by file, those of an earlier fetch being removed.
func (s staging) install(dir string, files []File) error {
	if info, err := os.Lstat(dir); err == nil && info.IsDir() {
		_ = os.Remove(dir) // It stays unless it is empty.
	}
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(s.files, dir); err != nil {
			return fmt.Errorf("install results: %w", err)
		}
		return nil
	}
	if err := removeEarlier(dir, files); err != nil {
		return fmt.Errorf("install results: %w", err)
	}
	for _, f := range files {
		to := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return fmt.Errorf("install results: %w", err)
		}
		if err := os.Rename(filepath.Join(s.files, f.Name), to); err != nil {
			return fmt.Errorf("install results: %w", err)
		}
	}
	return nil
}

// removeEarlier removes what an earlier fetch left in dir and this one does not
// replace, so that results of two jobs never lie side by side.
func removeEarlier(dir string, files []File) error {
	earlier := []string{PolicyFile, ManifestFile, SpecFile, MetricsFile, EvaluationsFile, LedgerFile, CurveFile}
	batches, err := filepath.Glob(filepath.Join(dir, BatchFolder, batchPattern))
	if err != nil {
		return err
	}
	for _, path := range batches {
		earlier = append(earlier, filepath.Join(BatchFolder, filepath.Base(path)))
	}
	for _, name := range earlier {
		if slices.ContainsFunc(files, func(f File) bool { return f.Name == name }) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
