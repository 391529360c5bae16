package api

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/clock"
	"github.com/cohort-rl/cohort/deletion"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/queue"
	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/serving"
)

// Config is what a server needs. All fields but Token, Grace and
// Refusals are required.
type Config struct {
	Store blob.Bucket
	// Topics are those of the deployment, whose names begin with TopicPrefix.
	Topics      deletion.Topics
	TopicPrefix string
	// Wake tells the coordinator beside the server that there is a new job.
	Wake  func()
	Clock clock.Clock
	// Nonce returns a fresh random id of at least 128 bits.
	Nonce func() string
	// Refusals returns the workers that leave the shards of a job alone. It may
	// be nil.
	Refusals func(ctx context.Context, id job.ID) ([]queue.Refusal, error)
	// NewID returns a fresh id for a job of that name.
	NewID  func(name string) job.ID
	Logger *slog.Logger
	// Version is that of the program.
	Version string
	// Token is what clients must present. Without one the server answers only
	// requests that name it by a loopback address.
	Token secret.Text
	// Grace is what requests under way get to end once serving ends; 5 s if it
	// is 0.
	Grace time.Duration
}

// Server answers the API. It is an http.Handler; Serve runs it with deadlines.
type Server struct {
	config  Config
	token   serving.Token
	names   *names
	heads   *heads
	index   *index
	turns   chan struct{} // of submissions, which are held in memory
	handler http.Handler
}

// maxSubmissions is how many submissions are held in memory at a time.
const maxSubmissions = 2

// NewServer returns a server. It does nothing until it is asked.
func NewServer(c Config) *Server {
	s := &Server{
		config: c,
		token:  serving.NewToken(c.Token),
		names:  newNames(c.Store),
		heads:  newHeads(c.Store, c.Clock),
		index:  newIndex(c.Store, c.Logger),
		turns:  make(chan struct{}, maxSubmissions),
	}
	s.handler = s.build(context.Background())
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Serve answers on l until ctx ends; requests under way then have the grace
// period, and streams of events end at once. It closes l, and returns nil when it
// stopped because ctx ended. No goroutine of it outlives it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.build(ctx),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      2 * requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug),
	}
	if err := serving.Run(ctx, server, l, cmp.Or(s.config.Grace, drainTimeout)); err != nil {
		return fmt.Errorf("serve the API: %w", err)
	}
	return nil
}
