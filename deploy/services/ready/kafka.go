package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/segmentio/kafka-go"

	"github.com/cohort-rl/cohort/secret"
	"github.com/cohort-rl/cohort/telemetry"
)

const (
	probeTopic      = "cohort-services-ready"
	probePartitions = 4
)

// askKafka makes the probe topic unless it is there, and asks the leader of
// every partition of every topic for its end. After a kill, metadata names
// leaders that do not answer as such for a while.
func askKafka(ctx context.Context, broker string) error {
	transport := &kafka.Transport{ClientID: "cohort-ready"}
	defer transport.CloseIdleConnections()
	security := telemetry.Security{
		SASL: os.Getenv("COHORT_KAFKA_SASL"), CA: os.Getenv("COHORT_KAFKA_CA"),
		User: os.Getenv("COHORT_KAFKA_USER"), Password: secret.Text(os.Getenv("COHORT_KAFKA_PASSWORD")),
	}
	var err error
	if transport.SASL, err = security.Mechanism(); err != nil {
		return err
	}
	if transport.TLS, err = security.TLSConfig(); err != nil {
		return err
	}
	client := &kafka.Client{Addr: kafka.TCP(broker), Transport: transport}
	if err := makeProbeTopic(ctx, client); err != nil {
		return fmt.Errorf("make topic %s at %s: %w", probeTopic, broker, err)
	}
	topics, err := partitions(ctx, client)
	if err != nil {
		return fmt.Errorf("ask kafka at %s for its topics: %w", broker, err)
	}
	if len(topics[probeTopic]) != probePartitions {
		return fmt.Errorf("kafka at %s: topic %s has %d of %d partitions", broker, probeTopic, len(topics[probeTopic]), probePartitions)
	}
	ends, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: topics})
	if err != nil {
		return fmt.Errorf("ask leaders of kafka at %s: %w", broker, err)
	}
	for topic, answers := range ends.Topics {
		for _, a := range answers {
			if a.Error != nil {
				return fmt.Errorf("ask the leader of %s/%d: %w", topic, a.Partition, a.Error)
			}
		}
	}
	return nil
}

func makeProbeTopic(ctx context.Context, client *kafka.Client) error {
	resp, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: probeTopic, NumPartitions: probePartitions, ReplicationFactor: 1,
	}}})
	if err != nil {
		return err
	}
	if err := resp.Errors[probeTopic]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return err
	}
	return nil
}

// partitions returns a question for the end of every partition there is.
func partitions(ctx context.Context, client *kafka.Client) (map[string][]kafka.OffsetRequest, error) {
	resp, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	topics := map[string][]kafka.OffsetRequest{}
	for _, t := range resp.Topics {
		if t.Error != nil {
			return nil, fmt.Errorf("topic %s: %w", t.Name, t.Error)
		}
		for _, p := range t.Partitions {
			if p.Error != nil {
				return nil, fmt.Errorf("%s/%d: %w", t.Name, p.ID, p.Error)
			}
			topics[t.Name] = append(topics[t.Name], kafka.LastOffsetOf(p.ID))
		}
	}
	return topics, nil
}
