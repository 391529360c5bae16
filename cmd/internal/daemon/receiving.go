package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"time"

	"github.com/cohort-rl/cohort/metrics"
	"github.com/cohort-rl/cohort/receiver"
	"github.com/cohort-rl/cohort/traces/kafka"
)

// Receiving says where the traces of OpenTelemetry exporters are taken, and which
// topic they go to.
type Receiving struct {
	OTLPListen     string `name:"otlp-listen" env:"COHORT_OTLP_LISTEN" placeholder:"HOST:PORT" group:"OTLP" help:"Where OpenTelemetry exporters may send traces over HTTP, such as 127.0.0.1:4318; nowhere unless given. Guarded as the API is."`
	OTLPTopic      string `name:"otlp-topic" env:"COHORT_OTLP_TOPIC" placeholder:"NAME" group:"OTLP" help:"Topic that they go to. Default: otlp_spans behind the deployment's prefix."`
	OTLPPartitions int    `name:"otlp-partitions" default:"8" env:"COHORT_OTLP_PARTITIONS" placeholder:"N" group:"OTLP" help:"Partitions that the topic gets if it is not there (${default})."`
}

// Validate names the first flag that is wrong.
func (r Receiving) Validate(e Exposure) error {
	switch {
	case r.OTLPListen == "" && r.OTLPTopic != "":
		return fmt.Errorf("--otlp-topic %s: give --otlp-listen too", r.OTLPTopic)
	case r.OTLPListen == "":
		return nil
	case r.OTLPTopic != "" && !regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`).MatchString(r.OTLPTopic):
		return fmt.Errorf("--otlp-topic %q: use letters, digits, dots, dashes and underscores", r.OTLPTopic)
	case r.OTLPPartitions < 1 || r.OTLPPartitions > 1000:
		return fmt.Errorf("--otlp-partitions %d: use 1 to 1000", r.OTLPPartitions)
	}
	return e.check("otlp-listen", r.OTLPListen)
}

// ReceiverTopic is the topic of a deployment that traces go to unless another is
// named. No job has a topic of this name.
func ReceiverTopic(prefix string) string { return prefix + "otlp_spans" }

// messageBytes is what a partition gets at once: a broker takes 1 MiB unless it
// is told otherwise.
const messageBytes = 1_000_000

// reception is a receiver that listens.
type reception struct {
	server   *receiver.Server
	writer   *kafka.Writer
	listener net.Listener
	address  string // as a URL
	topic    string
}

// receive listens for exporters, if it is wanted; else the reception is nil. The
// caller must serve it, or close it.
func (b *base) receive(ctx context.Context, r Receiving, e Exposure, grace time.Duration) (*reception, error) {
	if r.OTLPListen == "" {
		return nil, nil //nolint:nilnil // no receiver and no error: none is wanted
	}
	listener, err := e.listen(ctx, "otlp-listen", r.OTLPListen)
	if err != nil {
		return nil, err
	}
	topic := r.OTLPTopic
	if topic == "" {
		topic = ReceiverTopic(b.Deployment.TopicPrefix())
	}
	writer := b.Log.Writer(kafka.WriterConfig{Topic: topic, Partitions: r.OTLPPartitions, Batch: messageBytes})
	server := receiver.NewServer(receiver.Config{
		Log: writer, Observer: metrics.NewReceiver(b.registry), Logger: b.logger,
		Limits: receiver.DefaultLimits(), Token: b.token, Grace: grace,
	})
	return &reception{server, writer, listener, e.scheme() + listener.Addr().String(), topic}, nil
}

// serve answers exporters until ctx ends.
func (r *reception) serve(ctx context.Context) error {
	if r == nil {
		return nil
	}
	r.writer.Prepare() //nolint:contextcheck // Close ends it
	err := r.server.Serve(ctx, r.listener)
	r.writer.Close()
	return err
}

// close ends what was not served.
func (r *reception) close() error {
	if r == nil {
		return nil
	}
	r.writer.Close()
	if err := r.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// ReceiverAddress is where exporters are answered, and the topic that their
// traces go to.
type ReceiverAddress struct{ URL, Topic string }

// said is what is told of a reception, empty for none.
func (r *reception) said() ReceiverAddress {
	if r == nil {
		return ReceiverAddress{}
	}
	return ReceiverAddress{r.address, r.topic}
}
