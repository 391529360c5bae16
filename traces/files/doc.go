// Package files reads messages from files and folders: requests of OTLP as the
// Collector's file exporter writes them (JSON, one request a line; protobuf with
// a length before each request) or as an exporter posted them (one request a
// file, in protobuf or JSON), and whatever else one file or one line holds.
package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/traces/threads"
)

// Limits bound what is read.
type Limits struct {
	// Files is how many files a folder may have that are read.
	Files int
	// Message is how many bytes one message may have, All how many all files.
	Message, All int64
}

// DefaultLimits are 100,000 files, 64 MiB a message and 4 GiB in all.
func DefaultLimits() Limits { return Limits{Files: 100_000, Message: 64 << 20, All: 4 << 30} }

// A Source reads one file or all files of a folder and of those below it, in the
// order of their names.
type Source struct {
	Path   string
	Limits Limits
}

// suffixes are what names of files in a folder end in that are read, in the
// order in which twins are preferred.
func suffixes() []string {
	return []string{".pb", ".binpb", ".bin", ".otlp", ".json", ".jsonl", ".ndjson"}
}

// Read hands over the messages of each file. In a folder it passes over files
// with other names than those of requests, links, hidden files, and a .json
// beside a .pb of the same name, which is the same export. Names begin with the
// source's own.
func (s Source) Read(ctx context.Context, to threads.Sink) error {
	names, err := s.list(ctx)
	if err != nil {
		return err
	}
	left := s.Limits.All
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := s.file(ctx, name, left, to)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		left -= n
	}
	return nil
}

// list are the files to read.
func (s Source) list(ctx context.Context) ([]string, error) {
	info, err := os.Stat(s.Path)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", s.Path, errors.Unwrap(err))
	}
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("read %s: it is neither a file nor a folder", s.Path)
		}
		return []string{s.Path}, nil
	}
	var names []string
	err = filepath.WalkDir(s.Path, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case path != s.Path && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular() || !slices.Contains(suffixes(), filepath.Ext(path)):
			return nil
		case len(names) >= s.Limits.Files:
			return fmt.Errorf("there are more than %d files in %s: read its folders one by one", s.Limits.Files, s.Path)
		}
		names = append(names, path)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool {
		stem, ok := strings.CutSuffix(name, ".json")
		_, twin := slices.BinarySearch(names, stem+".pb")
		return ok && twin
	}), nil
}
