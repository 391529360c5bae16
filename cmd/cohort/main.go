// Command cohort submits training jobs, watches them and fetches their
// results; it also runs the whole system in one process.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/cohort-rl/cohort/cmd/internal/contexts"
	"github.com/cohort-rl/cohort/garbage"
)

var version = "devel" // set by the linker

// streams are what a command reads and writes. Results go to out, everything
// that is said about them to err.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

func main() {
	garbage.CollectRarely(context.Background(), os.Getenv("GOGC"), os.Getenv("GOMEMLIMIT"))
	os.Exit(run(os.Args[1:], &streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run runs the command that args name and returns the exit code.
func run(args []string, s *streams) int {
	var commands cli
	resolver := contexts.NewResolver(os.Getenv)
	parser, err := newParser(&commands, s, resolver)
	if err != nil {
		return complain(s.err, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	selected, err := parser.Parse(args)
	// What a context would have given is only then missing.
	if wrong := resolver.Err(); wrong != nil {
		return complain(s.err, usage(wrong))
	}
	if err != nil {
		return complain(s.err, usageOf(err))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Once the first signal came, the next one has its usual effect.
	context.AfterFunc(ctx, stop)
	selected.BindTo(ctx, (*context.Context)(nil))
	return complain(s.err, selected.Run(s, parser.Model))
}

// newParser describes the commands to kong. Help ends the process with code 0.
func newParser(commands *cli, s *streams, resolver kong.Resolver) (*kong.Kong, error) {
	return kong.New(commands,
		kong.Name("cohort"),
		kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.Writers(s.out, s.err),
		kong.Vars{"server": defaultServer},
		kong.Resolvers(resolver),
		kong.Exit(os.Exit),
	)
}
