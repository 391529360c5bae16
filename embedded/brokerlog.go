package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/time/rate"
)

// warnEvery is how often a warning is passed on: a disk that is full stays so,
// and the broker says it for each partition and batch.
const warnEvery = 10 * time.Second

// brokerLog passes the broker's errors on, and its warnings now and then, and
// remembers the first error: the broker reports what fails while it closes
// nowhere else.
type brokerLog struct {
	out  *slog.Logger
	warn rate.Sometimes

	mu  sync.Mutex // guards err
	err error
}

func newBrokerLog(out *slog.Logger) *brokerLog {
	if out == nil {
		out = slog.New(slog.DiscardHandler)
	}
	return &brokerLog{out: out, warn: rate.Sometimes{Interval: warnEvery}}
}

// Logf implements kfake.Logger.
func (l *brokerLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		err := fmt.Errorf(format, args...)
		l.mu.Lock()
		if l.err == nil {
			l.err = err
		}
		l.mu.Unlock()
		l.out.LogAttrs(context.Background(), slog.LevelError, "embedded kafka", slog.Any("error", err))
	case kfake.LogLevelWarn:
		l.warn.Do(func() {
			l.out.LogAttrs(context.Background(), slog.LevelWarn, "embedded kafka", slog.String("warning", fmt.Sprintf(format, args...)))
		})
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
	}
}

func (l *brokerLog) first() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *brokerLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = nil
}
