// Package shell reads the commands of Markdown files and runs them, so that what
// a reader types is what a test typed before.
package shell

import (
	"fmt"
	"regexp"
	"strings"
)

// Block is one fenced block of commands in a Markdown file.
type Block struct {
	File     string
	Line     int // of the opening fence
	Mark     Mark
	Commands []string // lines for the shell, continuations kept
}

// Name is the file and line of the block.
func (b Block) Name() string { return fmt.Sprintf("%s:%d", b.File, b.Line) }

// Blocks finds the blocks of shell commands in a file's text, in order. Every
// one must carry a mark or consist of make targets that are run anyway, which
// are left out of its commands. Errors name file and line.
func Blocks(file, text string) ([]Block, error) {
	var found []Block
	var open *Block // nil outside a block of commands
	var last Mark   // the mark on the nearest line above that is not empty
	var fence, lang string
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "" && trimmed == fence:
			if open != nil {
				found = append(found, *open)
			}
			fence, open = "", nil
		case fence != "":
			if open != nil {
				open.Commands = appendCommand(open.Commands, lang, trimmed)
			}
		case strings.HasPrefix(trimmed, "```"):
			fence, lang = fenceOf(trimmed)
			if isShell(lang) {
				open = &Block{File: file, Line: i + 1, Mark: last}
			}
			last = Mark{}
		case trimmed != "":
			m, _, err := parseMark(line)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
			}
			last = m
		}
	}
	if fence != "" {
		return nil, fmt.Errorf("%s: a block is never closed", file)
	}
	return checkMarks(found)
}

func fenceOf(line string) (fence, lang string) {
	lang = strings.TrimLeft(line, "`")
	return line[:len(line)-len(lang)], strings.TrimSpace(lang)
}

func isShell(lang string) bool {
	switch lang {
	case "sh", "bash", "shell", "console":
		return true
	default:
		return false
	}
}

// appendCommand adds a line of a block. In a console block only what follows a
// prompt is a command, the rest is what it prints.
func appendCommand(commands []string, lang, line string) []string {
	continues := len(commands) > 0 && strings.HasSuffix(commands[len(commands)-1], `\`)
	if lang == "console" && !continues {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			return commands
		}
		line = command
	}
	if line == "" || strings.HasPrefix(line, "#") {
		return commands
	}
	return append(commands, line)
}

// ranAnyway matches the make targets that need no run here: .ci/run runs lint,
// test and test-services, tests build the same programs and run the same demo.
func ranAnyway() *regexp.Regexp {
	return regexp.MustCompile(`^make (build|demo|lint|test|test-services)\s*(#.*)?$`)
}

// checkMarks drops the make targets that are run anyway and refuses a block
// that has other commands and no mark.
func checkMarks(blocks []Block) ([]Block, error) {
	exempt := ranAnyway()
	for i, b := range blocks {
		var kept []string
		for _, command := range b.Commands {
			if !exempt.MatchString(command) {
				kept = append(kept, command)
			}
		}
		if len(kept) > 0 && !b.Mark.Given {
			return nil, fmt.Errorf("%s: put <!-- test: run -->, <!-- test: services --> or <!-- test: skip REASON --> above this block", b.Name())
		}
		blocks[i].Commands = kept
	}
	return blocks, nil
}
