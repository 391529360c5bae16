package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	raw "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/receiver"
	"github.com/cohort-rl/cohort/traces"
	"github.com/cohort-rl/cohort/traces/kafka"
	"github.com/cohort-rl/cohort/traces/otlp"
)

// observer counts what was accepted.
type observer struct{ accepted atomic.Int64 }

func (*observer) Began()                                           {}
func (*observer) Answered(otlp.Signal, int, time.Duration)         {}
func (o *observer) Accepted(_ otlp.Signal, n int, _ time.Duration) { o.accepted.Add(int64(n)) }
func (*observer) Refused(otlp.Signal, string, int)                 {}

// receive posts all requests to a receiver and returns spans a second.
func (b *bench) receive(ctx context.Context, topic string, requests []request) (float64, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	writer := b.log.Writer(kafka.WriterConfig{Topic: topic, Partitions: partitions, Batch: 1_000_000})
	defer writer.Close()
	told := &observer{}
	server := receiver.NewServer(receiver.Config{
		Log: writer, Observer: told, Logger: slog.New(slog.DiscardHandler), Limits: receiver.DefaultLimits(), Grace: time.Second,
	})
	serving, stop := context.WithCancel(ctx)
	var served errgroup.Group
	served.Go(func() error { return server.Serve(serving, l) })
	took, err := b.export(ctx, "http://"+l.Addr().String()+"/v1/traces", requests)
	stop()
	if ended := served.Wait(); err == nil {
		err = ended
	}
	if n := told.accepted.Load(); err == nil && n != int64(b.spans) {
		err = fmt.Errorf("%d spans were accepted of %d", n, b.spans)
	}
	return float64(b.spans) / took.Seconds(), err
}

// export posts each request once.
func (b *bench) export(ctx context.Context, url string, requests []request) (time.Duration, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: b.clients}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var next atomic.Int64
	began := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	for range b.clients {
		g.Go(func() error {
			for n := next.Add(1) - 1; n < int64(len(requests)); n = next.Add(1) - 1 {
				if err := post(gctx, client, url, requests[n]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	return time.Since(began), err
}

func post(ctx context.Context, client *http.Client, url string, r request) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(r.body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/x-protobuf")
	if r.coding != "" {
		q.Header.Set("Content-Encoding", r.coding)
	}
	response, err := client.Do(q)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", response.StatusCode, text)
	}
	return err
}

// sent reads what a topic holds.
func (b *bench) sent(ctx context.Context, topic string) ([]raw.Message, error) {
	bounds, err := b.log.Bounds(ctx, topic)
	if err != nil {
		return nil, err
	}
	var all []raw.Message
	t := traces.Topic{Log: b.log, Name: topic}
	for p, bound := range bounds {
		err := t.Scan(ctx, p, bound.First, bound.End, func(r traces.Record) error {
			all = append(all, raw.Message{Key: slices.Clone(r.Key), Value: slices.Clone(r.Value)})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func size(messages []raw.Message) float64 {
	n := 0
	for _, m := range messages {
		n += len(m.Key) + len(m.Value)
	}
	return float64(n)
}

// write sends the messages with a Writer: as many callers, the same bytes in a
// batch, the same balancer, no compression, all replicas.
func (b *bench) write(ctx context.Context, topic string, messages []raw.Message) (float64, error) {
	transport := &raw.Transport{ClientID: "bench"}
	defer transport.CloseIdleConnections()
	w := &raw.Writer{
		Addr: raw.TCP(b.brokers...), Topic: topic, Balancer: raw.Murmur2Balancer{Consistent: true}, Transport: transport,
		BatchSize: 4096, BatchBytes: 1_000_000, BatchTimeout: time.Millisecond, RequiredAcks: raw.RequireAll,
	}
	// A caller hands over as many messages as a request has.
	calls := slices.Collect(slices.Chunk(messages, max(1, b.traces)))
	var next atomic.Int64
	began := time.Now()
	g, gctx := errgroup.WithContext(ctx)
	for range b.clients {
		g.Go(func() error {
			for n := next.Add(1) - 1; n < int64(len(calls)); n = next.Add(1) - 1 {
				if err := w.WriteMessages(gctx, calls[n]...); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	rate := float64(b.spans) / time.Since(began).Seconds()
	if closing := w.Close(); err == nil {
		err = closing
	}
	return rate, err
}
