package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cohort-rl/cohort/job/dataset"
	"github.com/cohort-rl/cohort/job/spec"
	"github.com/cohort-rl/cohort/reward"
)

// specFile is a job spec as it was read, with its data sets.
type specFile struct {
	path  string
	body  []byte
	spec  *spec.Spec
	data  map[string][]byte // by role
	lines map[string]int
}

// readSpec reads and checks a job spec and the data sets that it names. What
// is wrong with them is a usageError.
func readSpec(path string) (*specFile, error) {
	body, err := readBounded(path, spec.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage(fmt.Errorf("there is no spec file %s: name a job spec in YAML", path))
	}
	if err != nil {
		return nil, usage(err)
	}
	s, err := spec.Decode(path, body)
	if err != nil {
		return nil, usage(err)
	}
	line := func(field string, entry int) int { return spec.LineOf(body, field, entry) }
	if err := reward.Check(path, s.Reward, line); err != nil {
		return nil, usage(err)
	}
	f := &specFile{path: path, body: body, spec: s, data: map[string][]byte{}, lines: map[string]int{}}
	if s.IsOffline() {
		return f, nil // its data sets are made of traces
	}
	for _, file := range spec.Files(s) {
		if err := f.addData(file); err != nil {
			return nil, usage(err)
		}
	}
	return f, nil
}

func (f *specFile) addData(file spec.File) error {
	path := file.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(f.path), path)
	}
	field := file.Role + ".data"
	body, err := readBounded(path, dataset.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %s: there is no file %s: relative paths start at the spec's folder", f.path, field, path)
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", f.path, field, err)
	}
	d, err := dataset.Parse(path, body)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", f.path, field, err)
	}
	f.data[file.Role], f.lines[file.Role] = body, len(d.Lines)
	return nil
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	body, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("%s: the file is larger than the %d bytes that are allowed", path, limit)
	}
	return body, nil
}
