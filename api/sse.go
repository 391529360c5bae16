package api

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// maxEvent bounds a line of a stream of events, in bytes.
const maxEvent = 16 << 20

// readEvents calls handle with each event of a text/event-stream, and with the
// empty kind for each comment, until it fails or the stream does; a stream that
// just ends is io.ErrUnexpectedEOF.
func readEvents(r io.Reader, handle func(kind string, data []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	kind, data := "", []byte(nil)
	for lines.Scan() {
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		var err error
		switch string(name) {
		case "event":
			kind = string(value)
		case "data":
			data = append(data, value...)
		case "":
			if len(lines.Bytes()) > 0 {
				err = handle("", nil) // a comment
				break
			}
			if kind != "" {
				err = handle(kind, data)
			}
			kind, data = "", nil
		}
		if err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return io.ErrUnexpectedEOF
}
