package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/traces/collect"
	"github.com/cohort-rl/cohort/traces/threads"
)

// A Source hands over the messages of an archive, file by file. A file that is
// damaged is set aside, and the others are read.
type Source struct {
	Bucket blob.Bucket
	// From and Until are days as in the names of folders, Until included; empty
	// ones bound nothing. Threads without a time are always read.
	From, Until string
}

var (
	_ threads.Source     = Source{}
	_ collect.WideSource = Source{}
)

// stored is what is read of a row.
type stored struct {
	Messages [][]byte `parquet:"messages,list"`
}

// Read implements threads.Source.
func (s Source) Read(ctx context.Context, to threads.Sink) error {
	return s.each(ctx, func(key string) error { return s.file(ctx, key, to) })
}

// ReadWide implements collect.WideSource: a few files at a time.
func (s Source) ReadWide(ctx context.Context, atOnce int, open func() (collect.Sink, func())) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, min(atOnce, maxFiles)))
	listing := s.each(gctx, func(key string) error {
		g.Go(func() error {
			to, done := open()
			defer done()
			err := s.file(gctx, key, to)
			if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				to.Unread(collect.Unread{Source: key, Partition: -1, From: -1, Until: -1, Reason: collect.AfterDeadline, Detail: err.Error()})
				return nil
			}
			return err
		})
		return nil
	})
	return errors.Join(g.Wait(), listing)
}

// maxFiles is how many files are held at a time.
const maxFiles = 2

// each visits the keys of the files.
func (s Source) each(ctx context.Context, visit func(key string) error) error {
	found := false
	for info, err := range s.Bucket.List(ctx, Prefix, "") {
		if err != nil {
			return fmt.Errorf("list the archive: %w", err)
		}
		found = true
		day, _, err := parse(info.Key)
		if err == nil && day != undated && ((s.From != "" && day < s.From) || (s.Until != "" && day > s.Until)) {
			continue
		}
		if err := visit(info.Key); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("there is no archive in the store: no key begins with %s", Prefix)
	}
	return nil
}

// file hands over the messages of a file.
func (s Source) file(ctx context.Context, key string, to threads.Sink) error {
	aside := func(err error) error {
		to.Aside(threads.Place{Source: key, Partition: -1}, err)
		return nil
	}
	_, digest, err := parse(key)
	if err != nil {
		return aside(err)
	}
	object, err := s.Bucket.Get(ctx, key)
	switch {
	case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrTooLarge):
		return aside(err)
	case err != nil:
		return fmt.Errorf("read the archive: %w", err)
	}
	if err := blob.Verify(key, object.Body, digest); err != nil {
		return aside(err)
	}
	opened, err := parquet.OpenFile(bytes.NewReader(object.Body), int64(len(object.Body)))
	if err != nil {
		return aside(fmt.Errorf("no Parquet: %w", err))
	}
	in := parquet.NewGenericReader[stored](opened)
	defer in.Close() //nolint:errcheck // it reads memory
	rows := make([]stored, 16)
	offset := int64(0)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := in.Read(rows)
		for i := range rows[:n] {
			for _, body := range rows[i].Messages {
				if err := to.Take(threads.Message{Place: threads.Place{Source: key, Partition: -1, Offset: offset}, Body: bytes.Clone(body)}); err != nil {
					return err
				}
				offset++
			}
			rows[i] = stored{}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return aside(fmt.Errorf("no Parquet: %w", err))
		}
	}
}
