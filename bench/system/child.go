package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/cohort-rl/cohort/bench/noop"
	"github.com/cohort-rl/cohort/embedded"
)

// child serves one thing until its standard input ends, as it does when the
// parent is gone.
func (o options) child(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // However it ends, the parent is gone.
		stop()
	}()
	switch o.serve {
	case "agent":
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Printf("listening on %s\n", listener.Addr())
		return noop.Serve(ctx, listener, noop.New(noop.Config{Latency: o.latency, Ask: o.ask}))
	case "redis":
		r, err := embedded.StartRedis(ctx, embedded.RedisConfig{})
		if err != nil {
			return err
		}
		fmt.Printf("listening on %s\n", r.Addr())
		<-ctx.Done()
		return r.Close()
	case "kafka":
		k, err := embedded.StartKafka(ctx, embedded.KafkaConfig{Dir: o.dir})
		if err != nil {
			return err
		}
		fmt.Printf("listening on %s\n", k.Addr())
		<-ctx.Done()
		return k.Close()
	}
	return errors.New("-serve takes agent, redis or kafka")
}
