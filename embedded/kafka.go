package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
)

// KafkaConfig says where an embedded Kafka listens and keeps its log.
type KafkaConfig struct {
	Port   int          // on loopback; 0 takes a free one
	Dir    string       // folder of the log, made if it is not there; one process at a time
	Logger *slog.Logger // what goes wrong inside the broker; nil keeps it quiet
}

// Kafka is a single Kafka broker. It makes no topic that nobody asked for.
type Kafka struct {
	cluster *kfake.Cluster
	log     *brokerLog
	addr    string
	stop    func() error
}

// StartKafka starts a broker on the log in cfg.Dir and returns once it listens.
//
// An acknowledged record has been written to its file, not synced to the disk:
// it outlives this process, killed or not, and a crash of the machine may cut
// the newest records off. The address may differ at every start. Close ends
// the broker; ctx bounds the start alone.
func StartKafka(ctx context.Context, cfg KafkaConfig) (*Kafka, error) {
	if cfg.Dir == "" {
		return nil, fmt.Errorf("start embedded kafka: no folder for its log")
	}
	addr, err := loopback(cfg.Port)
	if err != nil {
		return nil, fmt.Errorf("start embedded kafka: %w", err)
	}
	log := newBrokerLog(cfg.Logger)
	var listen net.ListenConfig
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			return listen.Listen(ctx, network, addr)
		}),
		kfake.DataDir(cfg.Dir),
		kfake.WithLogger(log),
	)
	if err != nil {
		return nil, fmt.Errorf("start embedded kafka in %s: %w", cfg.Dir, err)
	}
	k := &Kafka{cluster: cluster, log: log, addr: cluster.ListenAddrs()[0]}
	k.stop = sync.OnceValue(k.close)
	return k, nil
}

// Addr returns host:port of the broker, as a client's bootstrap address.
func (k *Kafka) Addr() string { return k.addr }

// Close writes the broker's state to its folder and ends its connections. It
// may be called more than once; every call returns what the first found.
func (k *Kafka) Close() error { return k.stop() }

func (k *Kafka) close() error {
	k.log.forget()
	k.cluster.Close()
	if err := k.log.first(); err != nil {
		return fmt.Errorf("close embedded kafka: %w", err)
	}
	return nil
}
