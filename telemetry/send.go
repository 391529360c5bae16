package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"
	"github.com/segmentio/kafka-go/protocol/rawproduce"
)

// outcome is what a broker said, or failed to say, about one batch.
type outcome struct {
	base int64 // offset of the first item when err is nil
	err  error
}

// send makes one try of a request and settles each of its batches.
func (p *Producer) send(life context.Context, r request) {
	ctx, cancel := context.WithTimeout(life, p.config.RequestTimeout)
	outcomes := p.exchange(ctx, r)
	cancel()
	for _, o := range outcomes {
		if o.err != nil { // the leader may have moved; the next try asks the new one
			refresh, stop := context.WithTimeout(life, p.config.RequestTimeout)
			_ = p.lookup(refresh) // else the old leader is tried again
			stop()
			break
		}
	}
	done := used(r, outcomes)
	if p.settle(r, outcomes) {
		for _, s := range done {
			p.slabs.Put(s)
		}
	}
}

// exchange returns one outcome per batch.
func (p *Producer) exchange(ctx context.Context, r request) []outcome {
	outcomes := make([]outcome, len(r.batches))
	partitions := make([]rawproduce.RequestPartition, len(r.batches))
	memory := p.memory.Get().(*[]byte)
	all := (*memory)[:0]
	if need := r.bytes + len(r.batches)*batchHeader; cap(all) < need {
		all = make([]byte, 0, need)
	}
	for i, b := range r.batches {
		from := len(all)
		all = p.head.appendBatch(all, b.items)
		partitions[i] = rawproduce.RequestPartition{
			Partition: int32(b.partition.number),
			RecordSet: protocol.RawRecordSet{Reader: bytes.NewReader(all[from:])},
		}
	}
	response, err := p.transport.RoundTrip(ctx, kafka.TCP(p.config.Brokers...), &rawproduce.Request{
		Acks:    int16(kafka.RequireAll),
		Timeout: int32(p.config.RequestTimeout.Milliseconds()),
		Topics:  []rawproduce.RequestTopic{{Topic: p.config.Topic, Partitions: partitions}},
	})
	if err == nil { // else the transport may be writing it still
		*memory = all
		p.memory.Put(memory)
	}
	answer, ok := response.(*produce.Response)
	if err == nil && !ok {
		err = fmt.Errorf("broker answered with %T", response)
	}
	for i, b := range r.batches {
		if err != nil {
			outcomes[i].err = fmt.Errorf("produce to partition %d: %w", b.partition.number, err)
			continue
		}
		outcomes[i] = find(answer, p.config.Topic, b.partition.number)
	}
	return outcomes
}

// find reads a partition's outcome from the broker's answer.
func find(answer *produce.Response, topic string, partition int) outcome {
	for _, t := range answer.Topics {
		if t.Topic != topic {
			continue
		}
		for _, part := range t.Partitions {
			if int(part.Partition) != partition {
				continue
			}
			if part.ErrorCode != 0 {
				return outcome{err: fmt.Errorf("produce to partition %d: %w", partition, kafka.Error(part.ErrorCode))}
			}
			return outcome{base: part.BaseOffset}
		}
	}
	return outcome{err: fmt.Errorf("produce to partition %d: the broker's answer leaves it out", partition)}
}

// verdict says what an error means for the batch it came with.
type verdict uint8

const (
	retry     verdict = iota // not appended: the same again
	retryLost                // appended or not, nobody knows: the same again
	halve                    // too much at once: less, or never
	refuse                   // will be refused again
)

// judge reads an error of a try. What it does not know counts as a lost answer.
func judge(err error) verdict {
	var unrouted *produce.Error // the request found no broker
	var unroutedRaw *rawproduce.Error
	var dial *net.OpError
	if errors.As(err, &unrouted) || errors.As(err, &unroutedRaw) || (errors.As(err, &dial) && dial.Op == "dial") {
		return retry
	}
	var code kafka.Error
	if !errors.As(err, &code) {
		return retryLost
	}
	switch code {
	case kafka.UnknownTopicOrPartition, kafka.LeaderNotAvailable, kafka.NotLeaderForPartition,
		kafka.BrokerNotAvailable, kafka.NotEnoughReplicas, kafka.ThrottlingQuotaExceeded,
		kafka.FencedLeaderEpoch, kafka.UnknownLeaderEpoch, kafka.UnknownTopicID,
		kafka.SASLAuthenticationFailed: // a broker that goes down in the middle of a login looks so
		return retry
	case kafka.MessageSizeTooLarge, kafka.RecordListTooLarge:
		return halve
	case kafka.InvalidTopic, kafka.TopicAuthorizationFailed, kafka.ClusterAuthorizationFailed,
		kafka.InvalidTimestamp, kafka.InvalidRecord, kafka.PolicyViolation, kafka.InvalidRequiredAcks,
		kafka.UnsupportedSASLMechanism, kafka.IllegalSASLState,
		kafka.UnsupportedVersion, kafka.UnsupportedForMessageFormat:
		return refuse
	default:
		return retryLost
	}
}
