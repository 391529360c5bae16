package kafka

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/segmentio/kafka-go"
)

// Cluster is what the brokers say of themselves.
type Cluster struct {
	// ID tells the cluster from all others; some servers have none.
	ID string
	// Brokers are the addresses that clients are sent to, host:port.
	Brokers []string
}

// Cluster asks once; whoever wants to wait for the cluster asks again. An
// answer says that a broker let this client in.
func (l *Log) Cluster(ctx context.Context) (Cluster, error) {
	resp, err := l.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}})
	if err != nil {
		l.forget()
		return Cluster{}, fmt.Errorf("ask for the cluster: %w", err)
	}
	c := Cluster{ID: resp.ClusterID}
	for _, b := range resp.Brokers {
		c.Brokers = append(c.Brokers, net.JoinHostPort(b.Host, strconv.Itoa(b.Port)))
	}
	return c, nil
}
