package services

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// ConfigFile is embedded beside the flags of a program: --config names a YAML
// file whose keys are the names of the other flags. What a flag says goes before
// the environment, that before the file, and the file before the default.
type ConfigFile struct {
	Config string `env:"COHORT_CONFIG" placeholder:"FILE" help:"YAML file of settings: each key is the name of a flag here, such as redis or store. Flags and the environment go first."`
}

// BeforeResolve makes kong look into the file.
func (f ConfigFile) BeforeResolve(ctx *kong.Context) error {
	path := f.Config // from the environment
	for _, flag := range ctx.Flags() {
		if flag.Name == "config" {
			path, _ = ctx.FlagValue(flag).(string)
		}
	}
	if path == "" {
		return nil
	}
	values, err := readConfig(path, ctx.Flags())
	if err != nil {
		return fmt.Errorf("--config %s: %w", path, err)
	}
	ctx.AddResolver(fileValues(values))
	return nil
}

// maxConfig bounds a config file, in bytes.
const maxConfig = 1 << 20

// readConfig reads the file and checks that each key is a flag that a file may
// set. Values are as a command line has them.
func readConfig(path string, flags []*kong.Flag) (map[string]string, error) {
	file, err := os.Open(path) //nolint:gosec // the file is the user's choice
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxConfig {
		return nil, fmt.Errorf("it has more than %d bytes", maxConfig)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(body))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil // nothing is set
	} else if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("it holds more than one document")
	}
	root := document.Content[0]
	if root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: want lines of KEY: VALUE", root.Line)
	}
	return settingsIn(root, settable(flags))
}

// settable are the names of the flags that a file may set.
func settable(flags []*kong.Flag) []string {
	var names []string
	for _, flag := range flags {
		if !slices.Contains([]string{"help", "version", "config"}, flag.Name) && !flag.Hidden {
			names = append(names, flag.Name)
		}
	}
	return names
}

func settingsIn(root *yaml.Node, known []string) (map[string]string, error) {
	values := make(map[string]string)
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if !slices.Contains(known, key.Value) {
			return nil, fmt.Errorf("line %d: %s is no setting%s", key.Line, key.Value, meant(key.Value, known))
		}
		if _, twice := values[key.Value]; twice {
			return nil, fmt.Errorf("line %d: %s is set twice", key.Line, key.Value)
		}
		text, err := textOf(value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", value.Line, key.Value, err)
		}
		values[key.Value] = text
	}
	return values, nil
}

// textOf returns a scalar, or a list of them separated by commas.
func textOf(value *yaml.Node) (string, error) {
	switch {
	case value.Kind == yaml.ScalarNode && value.Tag != "!!null":
		return value.Value, nil
	case value.Kind == yaml.SequenceNode:
		var items []string
		for _, item := range value.Content {
			if item.Kind != yaml.ScalarNode || item.Tag == "!!null" {
				return "", errors.New("want a list of single values")
			}
			items = append(items, item.Value)
		}
		return kong.JoinEscaped(items, ','), nil
	}
	return "", errors.New("want one value or a list")
}

// fileValues hands what a file says to kong.
type fileValues map[string]string

// Validate implements kong.Resolver; what is wrong was found on reading.
func (fileValues) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver. kong asks for flags alone that the command
// line leaves open, but does not look whether the environment set them.
func (v fileValues) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	text, ok := v[flag.Name]
	if !ok {
		return nil, nil
	}
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	return text, nil
}
