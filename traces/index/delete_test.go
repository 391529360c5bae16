package index_test

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func deleteRecords(ctx context.Context, client *kgo.Client, partition int32, offset int64) error {
	request := kmsg.NewPtrDeleteRecordsRequest()
	at := kmsg.NewDeleteRecordsRequestTopicPartition()
	at.Partition, at.Offset = partition, offset
	one := kmsg.NewDeleteRecordsRequestTopic()
	one.Topic = topic
	one.Partitions = append(one.Partitions, at)
	request.Topics = append(request.Topics, one)
	request.TimeoutMillis = 5000
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	return errors.Join(kerr.ErrorForCode(response.Topics[0].Partitions[0].ErrorCode))
}
