package main

import (
	"github.com/alecthomas/kong"

	"github.com/cohort-rl/cohort/cmd/internal/completion"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell to complete in: ${enum}."`
}

// Help says how the script is used.
func (completionCommand) Help() string {
	return "bash: source <(cohort completion bash)\n\nzsh: source <(cohort completion zsh)\n\nfish: cohort completion fish | source"
}

// Run prints the script.
func (c *completionCommand) Run(s *streams, model *kong.Application) error {
	return completion.Write(s.out, c.Shell, model)
}
