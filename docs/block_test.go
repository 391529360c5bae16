package docs_test

import (
	"fmt"
	"regexp"
	"strings"
)

// block is one fenced block of commands in a Markdown file.
type block struct {
	file     string
	line     int // of the opening fence
	mark     mark
	commands []string // lines for the shell, continuations kept
}

func (b block) name() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// blocksOf finds the blocks of shell commands. Every one must carry a mark or
// consist of make targets that are run anyway.
func blocksOf(file, text string) ([]block, error) {
	var found []block
	var open *block // nil outside a block of commands
	var last mark   // the mark on the nearest line above that is not empty
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
				open.commands = appendCommand(open.commands, lang, trimmed)
			}
		case strings.HasPrefix(trimmed, "```"):
			fence, lang = fenceOf(trimmed)
			if isShell(lang) {
				open = &block{file: file, line: i + 1, mark: last}
			}
			last = mark{}
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

// ranAnyway matches the make targets that need no run here: .ci/run runs lint
// and test, tests build the same programs and run the same demo.
func ranAnyway() *regexp.Regexp {
	return regexp.MustCompile(`^make (build|demo|lint|test)\s*(#.*)?$`)
}

// checkMarks drops the make targets that are run anyway and refuses a block
// that has other commands and no mark.
func checkMarks(blocks []block) ([]block, error) {
	exempt := ranAnyway()
	for i, b := range blocks {
		var kept []string
		for _, command := range b.commands {
			if !exempt.MatchString(command) {
				kept = append(kept, command)
			}
		}
		if len(kept) > 0 && !b.mark.given {
			return nil, fmt.Errorf("%s: put <!-- test: run --> or <!-- test: skip REASON --> above this block", b.name())
		}
		blocks[i].commands = kept
	}
	return blocks, nil
}
