package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/cohort-rl/cohort/api"
)

// Where no size of the terminal is known.
const (
	defaultWidth  = 80
	defaultHeight = 24
)

// live is the program of bubbletea.
type live struct {
	model         Model
	width, height int
	now           time.Time
	color         bool
	err           error // of the source
}

// What the program is told.
type (
	happened api.Event
	over     struct{ err error }
	tick     time.Time
)

// Init has nothing to begin: all that happens is sent.
func (l *live) Init() tea.Cmd { return nil }

// Update takes what happened.
func (l *live) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case happened:
		l.model.Apply(api.Event(message))
	case over:
		l.err = message.err
		return l, tea.Quit
	case tick:
		l.now = time.Time(message)
	case tea.WindowSizeMsg:
		if message.Width > 0 && message.Height > 0 {
			l.width, l.height = message.Width, message.Height
		}
	case tea.KeyPressMsg:
		switch message.String() {
		case "q", "esc", "ctrl+c":
			return l, tea.Quit
		}
	}
	return l, nil
}

// View draws the job. The last line stays free for the cursor.
func (l *live) View() tea.View {
	return tea.NewView(l.model.Render(l.width, l.height-1, l.now, l.color) + "\n")
}

// runLive shows the view until the source, the user or ctx ends it.
func runLive(ctx context.Context, out io.Writer, source Source, o Options) (api.Job, error) {
	options := []tea.ProgramOption{tea.WithOutput(out), tea.WithoutSignalHandler()}
	if _, terminal := out.(*os.File); !terminal {
		options = append(options, tea.WithWindowSize(defaultWidth, defaultHeight))
	}
	if o.In != nil {
		options = append(options, tea.WithInput(o.In))
	}
	l := &live{width: defaultWidth, height: defaultHeight, now: time.Now(), color: o.Color}
	program := tea.NewProgram(l, options...)
	defer context.AfterFunc(ctx, program.Quit)()

	watching, stop := context.WithCancel(ctx)
	var told sync.WaitGroup
	told.Go(func() { tell(watching, program) })
	told.Go(func() {
		err := source(watching, func(e api.Event) error {
			program.Send(happened(e))
			return nil
		})
		if watching.Err() == nil {
			program.Send(over{err})
		}
	})
	_, err := program.Run()
	stop()
	told.Wait()
	if err != nil && !errors.Is(err, tea.ErrInterrupted) {
		return l.model.Job(), fmt.Errorf("show the job: %w", err)
	}
	return l.model.Job(), l.err
}

// tell tells the program the time, once a second.
func tell(ctx context.Context, program *tea.Program) {
	clock := time.NewTicker(time.Second)
	defer clock.Stop()
	for {
		select {
		case now := <-clock.C:
			program.Send(tick(now))
		case <-ctx.Done():
			return
		}
	}
}
