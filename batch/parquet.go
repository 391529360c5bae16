package batch

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// ErrCorrupt says that a Parquet file does not hold what was written.
var ErrCorrupt = errors.New("corrupt Parquet file")

// line is what a file has many of.
type line interface{ widest() int }

// write makes one Parquet file. The same rows give the same bytes with the same
// version of the library.
func write[T line](rows []T) ([]byte, error) {
	most := 64
	for _, r := range rows {
		most += r.widest()
	}
	// A page holds as much as by default, and takes no more memory than that needs.
	page := parquet.PageBufferSize(min(parquet.DefaultPageBufferSize, 2*most))
	var file bytes.Buffer
	if err := parquet.Write(&file, rows, parquet.Compression(&parquet.Snappy), page, parquet.WriteBufferSize(1<<10)); err != nil {
		return nil, fmt.Errorf("write Parquet: %w", err)
	}
	return file.Bytes(), nil
}

func read[T any](file []byte) ([]T, error) {
	rows, err := parquet.Read[T](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return rows, nil
}
