package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/redis/go-redis/v9"

	"github.com/cohort-rl/cohort/garbage"
)

// Logging says what is logged and how.
type Logging struct {
	LogLevel  string `default:"info" enum:"debug,info,warn,error" env:"COHORT_LOG_LEVEL" help:"Least level that is logged: ${enum}."`
	LogFormat string `default:"text" enum:"text,json" env:"COHORT_LOG_FORMAT" help:"Form of the log on standard error: ${enum}."`
}

// Logger returns a logger to out.
func (l Logging) Logger(out io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if l.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// silent takes what Redis's client says of its connections: that Redis is away
// is said by whoever needs it, once.
type silent struct{}

// Printf implements the logger of Redis's client.
func (silent) Printf(context.Context, string, ...any) {}

// Exit codes of every command.
const (
	ExitFailure = 1
	ExitUsage   = 2
)

// Process parses the flags of a daemon into config and runs it until SIGINT or
// SIGTERM; a second signal ends it at once. validate names a flag that is out of
// its bounds. It returns the exit code.
func Process(name, description, version string, config any, validate func() error, run func(context.Context) error) int {
	parser, err := kong.New(config, kong.Name(name), kong.Description(description), kong.Vars{"version": version}, kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err == nil {
		_, err = parser.Parse(os.Args[1:])
	}
	if err == nil {
		err = validate()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s. See %s --help.\n", name, strings.TrimRight(err.Error(), ".?!"), name)
		return ExitUsage
	}
	redis.SetLogger(silent{})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Once the first signal came, the next one has its usual effect.
	context.AfterFunc(ctx, stop)
	garbage.CollectRarely(ctx, os.Getenv("GOGC"), os.Getenv("GOMEMLIMIT"))
	if err := run(ctx); err != nil && ctx.Err() == nil {
		fmt.Fprintf(os.Stderr, "%s: %v.\n", name, err)
		return ExitFailure
	}
	return 0
}
