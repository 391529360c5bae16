// Package watch shows a job while it runs: as a live view on a terminal, as one
// line for each thing that happens elsewhere.
package watch

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/charmbracelet/x/term"

	"github.com/cohort-rl/cohort/api"
)

// A Source hands over the events of a job, in order, until the job has ended
// or ctx has, or handle fails; api.Client's Watch is one.
type Source func(ctx context.Context, handle func(api.Event) error) error

// Options say how a job is shown.
type Options struct {
	Live  bool // a view that is redrawn, not lines
	Color bool
	// In is where keys are read from; nil is standard input.
	In io.Reader
}

// Detect finds what out can do: a live view on a terminal, with colors unless
// NO_COLOR is set.
func Detect(out io.Writer, getenv func(string) string) Options {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(file.Fd()) || getenv("TERM") == "dumb" {
		return Options{}
	}
	return Options{Live: true, Color: getenv("NO_COLOR") == ""}
}

// Run shows a job until it has ended, or the user leaves or ctx ends, which is
// no error; then the job that it returns has not ended. A job that was never
// told is the zero Job.
func Run(ctx context.Context, out io.Writer, source Source, o Options) (api.Job, error) {
	if o.Live {
		return runLive(ctx, out, source, o)
	}
	m := new(Model)
	err := source(ctx, func(e api.Event) error {
		for _, line := range m.Apply(e) {
			if _, err := fmt.Fprintln(out, line); err != nil {
				return fmt.Errorf("show the job: %w", err)
			}
		}
		return nil
	})
	if ctx.Err() != nil {
		err = nil
	}
	return m.Job(), err
}
