package countdown

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// Row is one line of the agent's own log: an attempt that it answered well.
type Row struct {
	Thread string  `json:"thread"`
	Greedy bool    `json:"greedy"`
	Events uint64  `json:"events"`
	Reward float64 `json:"reward"`
}

// journal appends rows to a JSON Lines file. A nil journal keeps none.
type journal struct {
	mu   sync.Mutex // guards file
	file *os.File
}

func openJournal(path string) (*journal, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the agent's log: %w", err)
	}
	return &journal{file: file}, nil
}

// add writes one row in one write.
func (j *journal) add(row Row) error {
	if j == nil {
		return nil
	}
	line, err := json.Marshal(row)
	if err != nil {
		return fmt.Errorf("write the agent's log: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write the agent's log: %w", err)
	}
	return nil
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}
