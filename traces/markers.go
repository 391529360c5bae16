package traces

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/telemetry"
)

const (
	// markFetchBytes is enough for a marker; what follows it is not wanted.
	markFetchBytes = 4 << 10
	// inFlight bounds the requests of one call to the log.
	inFlight = 16
)

// AppendMarkers appends a marker with a fresh nonce to each of the topic's
// partitions and returns where they lie, in the order of the partitions. After
// an error some may have been written; a marker that no record names counts for
// nothing.
func (t Topic) AppendMarkers(ctx context.Context, id job.ID, partitions int, at time.Time, nonce func() string) ([]job.Mark, error) {
	marks := make([]job.Mark, partitions)
	for p := range marks {
		marks[p] = job.Mark{Partition: p, Nonce: nonce()}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for p := range marks {
		group.Go(func() error {
			frame, err := t.Codec.Encode(telemetry.Event{Time: at, Body: telemetry.Marker{Nonce: marks[p].Nonce, Job: string(id)}})
			if err != nil {
				return fmt.Errorf("encode marker: %w", err)
			}
			if marks[p].Offset, err = t.Log.Append(ctx, t.Name, p, frame); err != nil {
				return fmt.Errorf("append marker to %s/%d: %w", t.Name, p, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return marks, nil
}

// VerifyMarks looks each marker up in the log. It returns one loss, in the
// order of marks, for each that is not where it should be.
func (t Topic) VerifyMarks(ctx context.Context, marks ...job.Mark) ([]job.Loss, error) {
	details := make([]string, len(marks))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for i, mark := range marks {
		group.Go(func() error {
			var err error
			details[i], err = t.look(ctx, mark)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("verify markers: %w", err)
	}
	var losses []job.Loss
	for i, detail := range details {
		if detail != "" {
			losses = append(losses, markLoss(marks[i], detail))
		}
	}
	return losses, nil
}

// look says what is wrong with a marker, or nothing.
func (t Topic) look(ctx context.Context, mark job.Mark) (string, error) {
	records, err := t.fetch(ctx, mark.Partition, mark.Offset, markFetchBytes)
	if errors.Is(err, ErrGone) {
		return err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	if found := records[0].Offset; found != mark.Offset {
		return fmt.Sprintf("the first record from there on is at %d", found), nil
	}
	event, err := t.Codec.Decode(records[0].Value)
	if err != nil {
		return fmt.Sprintf("another record lies there: %v", err), nil
	}
	if marker, ok := event.Body.(telemetry.Marker); !ok || marker.Nonce != mark.Nonce {
		return "another event lies there", nil
	}
	return "", nil
}

func markLoss(mark job.Mark, detail string) job.Loss {
	return job.Loss{Kind: job.LostMarker, Partition: mark.Partition, Offset: mark.Offset, Detail: detail}
}
