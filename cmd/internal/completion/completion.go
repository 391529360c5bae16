// Package completion writes scripts by which shells complete the commands of a
// program. They are made from the model of its flags, so they cannot drift from
// it. A field tagged complete:"file", "dir" or "job" is completed with files,
// folders, or what the program's command `jobs -o name` prints.
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
	Kind  string // file, dir, job, or empty for anything
	// Program is asked for jobs.
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
	p := program{Name: app.Name}
	for _, node := range app.Children {
		if node.Hidden || node.Type != kong.CommandNode {
			continue
		}
		c := command{Name: node.Name, Help: node.Help}
		for _, group := range node.AllFlags(true) {
			for _, f := range group {
				c.Flags = append(c.Flags, flagOf(app.Name, f))
			}
		}
		for _, arg := range node.Positional {
			c.Args = append(c.Args, valueOf(app.Name, arg))
		}
		p.Commands = append(p.Commands, c)
	}
	return p
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
