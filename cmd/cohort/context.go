package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/cohort-rl/cohort/api"
	"github.com/cohort-rl/cohort/cmd/internal/contexts"
)

// contextCommand lists the commands about contexts.
type contextCommand struct {
	List   contextListCommand   `cmd:"" help:"List the contexts."`
	Use    contextUseCommand    `cmd:"" help:"Make a context the current one."`
	Show   contextShowCommand   `cmd:"" help:"Show a context."`
	Set    contextSetCommand    `cmd:"" help:"Make a context, or change one."`
	Delete contextDeleteCommand `cmd:"" help:"Forget a context. Its server, store and files stay."`
}

// Help says what a context is and where it is kept.
func (contextCommand) Help() string {
	return "A context is a server and its store under a name. Commands take from the current one what neither their flags nor the environment give. " +
		"Contexts are kept in $COHORT_CONTEXTS, or in cohort/config.yaml in the folder of your configuration; tokens stay in files of their own."
}

// change reads the contexts, changes them and writes them back.
func change(f func(*contexts.File) error) error {
	file, path, err := loadContexts()
	if err != nil {
		return err
	}
	if err := f(file); err != nil {
		return usage(err)
	}
	return file.Save(path)
}

// loadContexts reads the contexts, and says where they lie.
func loadContexts() (*contexts.File, string, error) {
	path, err := contexts.Path(os.Getenv)
	if err != nil {
		return nil, "", usage(err)
	}
	file, err := contexts.Load(path)
	if err != nil {
		return nil, "", usage(err)
	}
	return file, path, nil
}

type contextListCommand struct {
	Output string `short:"o" default:"table" enum:"table,json,name" placeholder:"FORMAT" help:"Form of what is printed: ${enum} (${default})."`
}

// Run lists the contexts, the current one with a star.
func (c *contextListCommand) Run(s *streams) error {
	file, _, err := loadContexts()
	if err != nil {
		return err
	}
	switch c.Output {
	case "json":
		return printJSON(s.out, struct {
			Current  string             `json:"current,omitempty"`
			Contexts []contexts.Context `json:"contexts"`
		}{file.Current, append([]contexts.Context{}, file.Contexts...)})
	case "name":
		_, err := io.WriteString(s.out, strings.Join(append(file.Names(), ""), "\n"))
		return err
	}
	if len(file.Contexts) == 0 {
		_, err := fmt.Fprintln(s.out, "There are no contexts yet. Make one: cohort context set NAME --server URL --store URL")
		return err
	}
	var text strings.Builder
	fmt.Fprintln(&text, "CURRENT\tNAME\tSERVER\tSTORE")
	for _, c := range file.Contexts {
		star := ""
		if c.Name == file.Current {
			star = "*"
		}
		fmt.Fprintf(&text, "%s\t%s\t%s\t%s\n", star, c.Name, c.Server, c.Store)
	}
	return printTable(s.out, text.String())
}

type contextUseCommand struct {
	Name string `arg:"" complete:"context" help:"Name of the context."`
}

// Run makes a context the current one.
func (c *contextUseCommand) Run(s *streams) error {
	err := change(func(f *contexts.File) error {
		_, err := f.Find(c.Name)
		f.Current = c.Name
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "The current context is %s.\n", c.Name)
	return err
}

type contextShowCommand struct {
	Name   string `arg:"" optional:"" complete:"context" help:"Name of the context. Default: the current one."`
	Output string `short:"o" default:"table" enum:"table,json" placeholder:"FORMAT" help:"Form of what is printed: ${enum} (${default})."`
}

// Run shows a context.
func (c *contextShowCommand) Run(s *streams) error {
	found, err := contexts.Choose(c.Name, os.Getenv)
	if err != nil {
		return usage(err)
	}
	if found.Name == "" {
		return usage(errors.New("there is no current context: choose one with `cohort context use NAME`"))
	}
	if c.Output == "json" {
		return printJSON(s.out, found)
	}
	var text strings.Builder
	for _, line := range [][2]string{{"name", found.Name}, {"server", found.Server}, {"store", found.Store}, {"token-file", found.TokenFile}, {"ca", found.CA}} {
		if line[1] != "" {
			fmt.Fprintf(&text, "%s\t%s\n", line[0], line[1])
		}
	}
	return printTable(s.out, text.String())
}

type contextSetCommand struct {
	Name      string  `arg:"" complete:"context" help:"Name of the context. The first one becomes the current one."`
	Server    *string `placeholder:"URL" help:"Address of a coordinator."`
	Store     *string `context:"-" placeholder:"URL" help:"Object store: file:///DIR or s3://BUCKET/PREFIX?endpoint=URL."`
	TokenFile *string `placeholder:"FILE" complete:"file" help:"File with the token that the coordinator asks for."`
	CA        *string `name:"ca" placeholder:"FILE" complete:"file" help:"PEM file of authorities to trust beside the system's."`
}

// Help says what is not given.
func (contextSetCommand) Help() string {
	return "What is not given stays as it is; an empty text takes it away, as --store= does."
}

// Run makes or changes a context.
func (c *contextSetCommand) Run(s *streams) error {
	if err := contexts.CheckName(c.Name); err != nil {
		return usage(err)
	}
	current := ""
	err := change(func(f *contexts.File) error {
		found, err := f.Find(c.Name)
		if err != nil {
			found = contexts.Context{Name: c.Name}
		}
		if err := c.apply(&found); err != nil {
			return err
		}
		f.Set(found)
		current = f.Current
		return nil
	})
	if err != nil {
		return err
	}
	text := fmt.Sprintf("Context %s is set.\n", c.Name)
	if current != c.Name {
		text += fmt.Sprintf("Use it: cohort context use %s\n", c.Name)
	}
	_, err = io.WriteString(s.out, text)
	return err
}

// apply changes what was given.
func (c *contextSetCommand) apply(to *contexts.Context) error {
	if c.Server != nil {
		if *c.Server != "" {
			if _, err := api.NewClient(*c.Server, api.Access{}); err != nil {
				return fmt.Errorf("--server: %w", err)
			}
		}
		to.Server = *c.Server
	}
	if c.Store != nil {
		if err := checkStoreURL(*c.Store); err != nil {
			return err
		}
		to.Store = *c.Store
	}
	for _, file := range []struct {
		flag  string
		given *string
		to    *string
	}{{"--token-file", c.TokenFile, &to.TokenFile}, {"--ca", c.CA, &to.CA}} {
		if file.given == nil {
			continue
		}
		*file.to = *file.given
		if *file.given == "" {
			continue
		}
		// The command that uses it may run in another folder.
		absolute, err := filepath.Abs(*file.given)
		if err != nil {
			return fmt.Errorf("%s: %w", file.flag, err)
		}
		if _, err := os.Stat(absolute); err != nil {
			return fmt.Errorf("%s: %w", file.flag, err)
		}
		*file.to = absolute
	}
	return nil
}

// checkStoreURL refuses what is no store's URL, and credentials, which a context
// never holds. An empty one is allowed.
func checkStoreURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "file" && u.Scheme != "s3":
		return errors.New("--store: want file:///DIR or s3://BUCKET/PREFIX?endpoint=URL")
	case u.User != nil:
		return errors.New("--store holds credentials: take them out and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	return nil
}

type contextDeleteCommand struct {
	Name string `arg:"" complete:"context" help:"Name of the context."`
}

// Run forgets a context.
func (c *contextDeleteCommand) Run(s *streams) error {
	if err := change(func(f *contexts.File) error { return f.Delete(c.Name) }); err != nil {
		return err
	}
	_, err := fmt.Fprintf(s.out, "Context %s is deleted.\n", c.Name)
	return err
}
