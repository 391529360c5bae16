// Package completion writes scripts by which shells complete the commands of a
// program. They are made from the model of its flags, so they cannot drift from
// it. A field tagged complete:"file", "dir", "job" or "context" is completed with
// files, folders, or what the program's command `jobs -o name` or `context list
// -o name` prints.
package completion

import (
	"embed"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/alecthomas/kong"
)

//go:embed *.tmpl
var templates embed.FS

// Shells are those that scripts can be written for.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// A program as templates see it.
type program struct {
	Name     string
	Commands []command
}

type command struct {
	Name, Help string
	Flags      []flag
	Args       []value
	Under      []command // the commands of a command that only has such
}

// A flag is one spelling with two dashes, and perhaps one with one.
type flag struct {
	Long, Short, Help string
	Takes             bool // a value
	Value             value
}

// A value is how an argument is completed: by one of some words, or by a kind
// of thing.
type value struct {
	Name  string
	Words []string
	Kind  string // file, dir, job, context, or empty for anything
	// Program is asked for jobs and contexts.
	Program string
}

// Write writes the script for a shell.
func Write(out io.Writer, shell string, app *kong.Application) error {
	t, err := template.New("").Funcs(template.FuncMap{
		"join":   strings.Join,
		"quote":  quote,
		"escape": escape,
	}).ParseFS(templates, "*.tmpl")
	if err != nil {
		return fmt.Errorf("completion for %s: %w", shell, err)
	}
	if err := t.ExecuteTemplate(out, shell+".tmpl", describe(app)); err != nil {
		return fmt.Errorf("completion for %s: %w", shell, err)
	}
	return nil
}

// describe takes from the model what is not hidden.
func describe(app *kong.Application) program {
	return program{Name: app.Name, Commands: commandsOf(app.Name, app.Node)}
}

// commandsOf are the commands below a node.
func commandsOf(program string, node *kong.Node) []command {
	var found []command
	for _, child := range node.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		c := command{Name: child.Name, Help: child.Help, Under: commandsOf(program, child)}
		for _, group := range child.AllFlags(true) {
			for _, f := range group {
				c.Flags = append(c.Flags, flagOf(program, f))
			}
		}
		for _, arg := range child.Positional {
			c.Args = append(c.Args, valueOf(program, arg))
		}
		if len(c.Under) > 0 {
			c.Args = []value{{Name: "command", Words: c.names()}}
		}
		found = append(found, c)
	}
	return found
}

func (c command) names() []string {
	names := make([]string, len(c.Under))
	for i, under := range c.Under {
		names[i] = under.Name
	}
	return names
}

// Flat are the commands, each behind those below it, which are named by the way
// to them.
func (p program) Flat() []command {
	var all []command
	for _, c := range p.Commands {
		for _, under := range c.Under {
			under.Name = c.Name + " " + under.Name
			all = append(all, under)
		}
		all = append(all, c)
	}
	return all
}

// Whole is the command with the flags of all that are below it, and with what
// the first one that takes an argument takes.
func (c command) Whole() command {
	known := map[string]bool{}
	for _, f := range c.Flags {
		known[f.Long] = true
	}
	for _, under := range c.Under {
		for _, f := range under.Flags {
			if !known[f.Long] {
				c.Flags = append(c.Flags, f)
			}
			known[f.Long] = true
		}
		if len(c.Args) == 1 && len(under.Args) > 0 {
			c.Args = append(c.Args, under.Args[0])
		}
	}
	return c
}

func flagOf(program string, f *kong.Flag) flag {
	short := ""
	if f.Short != 0 {
		short = string(f.Short)
	}
	return flag{Long: f.Name, Short: short, Help: f.Help, Takes: !f.IsBool(), Value: valueOf(program, f.Value)}
}

func valueOf(program string, v *kong.Value) value {
	described := value{Name: v.Name, Program: program}
	if v.Enum != "" {
		described.Words = v.EnumSlice()
	}
	if v.Tag != nil && v.Tag.Has("complete") {
		described.Kind = v.Tag.Get("complete")
	}
	return described
}

// quote puts text into single quotes, for all three shells.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// escape takes their meaning from the characters that zsh's _arguments reads.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(text)
}
