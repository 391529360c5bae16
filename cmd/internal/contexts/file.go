// Package contexts keeps the servers and stores that a person uses, each under a
// name, in one file. It never holds a secret: a token is named by its file.
package contexts

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the file, in bytes.
const maxFile = 1 << 20

// Context is a server and its store under a name. What is empty is not set.
type Context struct {
	Name      string `yaml:"name" json:"name"`
	Server    string `yaml:"server,omitempty" json:"server,omitempty"`         // URL of a coordinator
	Store     string `yaml:"store,omitempty" json:"store,omitempty"`           // URL of the object store
	TokenFile string `yaml:"token_file,omitempty" json:"token_file,omitempty"` // absolute path
	CA        string `yaml:"ca,omitempty" json:"ca,omitempty"`                 // absolute path of a PEM file
}

// File is what the file says. Contexts are in the order of their names.
type File struct {
	Current  string    `yaml:"current,omitempty"` // name of the one in use, empty for none
	Contexts []Context `yaml:"contexts"`
}

// Path is where the file lies: what COHORT_CONTEXTS says, or else config.yaml in
// the folder cohort of the user's configuration. COHORT_CONFIG is another file: that of the daemons' flags.
func Path(getenv func(string) string) (string, error) {
	if path := getenv("COHORT_CONTEXTS"); path != "" {
		return path, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the folder of configuration: %w: name the file in COHORT_CONTEXTS", err)
	}
	return filepath.Join(dir, "cohort", "config.yaml"), nil
}

// Load reads the file; one that is not there has no context. Fields that it does
// not know are refused, so that a misspelt one is noticed.
func Load(path string) (*File, error) {
	f := new(File)
	file, err := os.Open(path) //nolint:gosec // the file is the user's own
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read contexts: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read contexts: %w", err)
	}
	if len(body) > maxFile {
		return nil, fmt.Errorf("read contexts: %s is larger than %d bytes", path, maxFile)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(body))
	decoder.KnownFields(true)
	err = decoder.Decode(f)
	if wrong, ok := errors.AsType[*yaml.TypeError](err); ok {
		text := strings.Join(wrong.Errors, "; ")
		return nil, fmt.Errorf("read contexts: %s: %s", path, regexp.MustCompile(` (in type|into) \S+`).ReplaceAllString(text, ""))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read contexts: %s: %w", path, err)
	}
	for _, c := range f.Contexts {
		if err := CheckName(c.Name); err != nil {
			return nil, fmt.Errorf("read contexts: %s: %w", path, err)
		}
	}
	f.sort()
	return f, nil
}

// Save replaces the file by a new one that only its owner can read. It is whole
// at every moment: who reads it meanwhile finds the old one or the new one.
func (f *File) Save(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write contexts: %w", err)
		}
	}()
	body, err := yaml.Marshal(f)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(dir, ".config-*.yaml") // it has the mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temporary.Name()))
		}
	}()
	_, err = temporary.Write(body)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// Find returns the context of that name, or an *UnknownError.
func (f *File) Find(name string) (Context, error) {
	for _, c := range f.Contexts {
		if c.Name == name {
			return c, nil
		}
	}
	return Context{}, unknown(name, f.Names())
}

// Set adds the context, or replaces the one of its name. The first one becomes
// the current one.
func (f *File) Set(c Context) {
	f.Contexts = slices.DeleteFunc(f.Contexts, func(old Context) bool { return old.Name == c.Name })
	f.Contexts = append(f.Contexts, c)
	f.sort()
	if len(f.Contexts) == 1 {
		f.Current = c.Name
	}
}

// Delete removes the context of that name. If it was the current one, none is.
func (f *File) Delete(name string) error {
	if _, err := f.Find(name); err != nil {
		return err
	}
	f.Contexts = slices.DeleteFunc(f.Contexts, func(c Context) bool { return c.Name == name })
	if f.Current == name {
		f.Current = ""
	}
	return nil
}

// Names lists the contexts.
func (f *File) Names() []string {
	names := make([]string, len(f.Contexts))
	for i, c := range f.Contexts {
		names[i] = c.Name
	}
	return names
}

func (f *File) sort() {
	slices.SortFunc(f.Contexts, func(a, b Context) int { return strings.Compare(a.Name, b.Name) })
}

// CheckName refuses what is no name of a context.
func CheckName(name string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`).MatchString(name) {
		return fmt.Errorf("%q is no name of a context: use 1 to 64 letters, digits, dots, underscores and dashes", name)
	}
	return nil
}
