package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cohort-rl/cohort/blob"
	"github.com/cohort-rl/cohort/blob/open"
	"github.com/cohort-rl/cohort/checkpoint"
	"github.com/cohort-rl/cohort/job"
	"github.com/cohort-rl/cohort/policy"
)

const (
	id      = job.ID("bench-00000000")
	chunk   = 16 << 20 // checkpoint.chunk_bytes by default
	atOnce  = 4        // 64 MiB of chunks
	tensors = 10
)

// child measures one thing and prints it.
func (o options) child(ctx context.Context) error {
	store, err := open.Open(ctx, o.store, open.Options{Create: true})
	if err != nil {
		return err
	}
	var t taken
	begin := time.Now()
	switch o.do {
	case "save":
		err = o.save(ctx, store)
	case "load":
		err = o.load(ctx, store)
	case "both":
		if err = o.save(ctx, store); err == nil {
			err = o.load(ctx, store)
		}
	case "raw-s3-save", "raw-s3-load":
		err = o.raw(ctx)
	case "raw-fs-save", "raw-fs-load":
		err = o.copied(ctx)
	case "next":
		t.Bytes, err = o.next(ctx, store)
	case "resume":
		t, err = o.resume(ctx, store)
	}
	if err != nil {
		return err
	}
	if t.Seconds == 0 {
		t.Seconds = time.Since(begin).Seconds()
	}
	if t.PeakMiB, err = peakMemory(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(t)
}

// state is the source as ten tensors, which stay in the file.
func (o options) state(changed bool) (*checkpoint.State, *os.File, error) {
	f, err := os.Open(o.source)
	if err != nil {
		return nil, nil, err
	}
	each := o.size << 20 / tensors / 4 * 4
	state := &checkpoint.State{}
	for i := range int64(tensors) {
		part := section{f, i * each}
		if changed && i == 3 {
			part.begin += 4
		}
		state.Weights = append(state.Weights, checkpoint.Array{
			Name: fmt.Sprintf("layer.%d", i), Shape: []int{int(each / 4)}, Elsewhere: &checkpoint.Elsewhere{DType: "F32", Bytes: part},
		})
	}
	return state, f, nil
}

// section is a file from a byte on.
type section struct {
	*os.File
	begin int64
}

// ReadAt implements io.ReaderAt.
func (s section) ReadAt(b []byte, at int64) (int, error) { return s.File.ReadAt(b, s.begin+at) }

func manifest(step int) *checkpoint.Manifest {
	return &checkpoint.Manifest{Training: blob.DigestOf(nil), Numerics: "bench", Step: step, Shape: policy.Shape{Kind: "linear", Features: 1}}
}

func (o options) save(ctx context.Context, store blob.Bucket) error {
	state, f, err := o.state(false)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	c, err := checkpoint.Save(ctx, store, id, job.Folder{Step: 1}, manifest(1), state, chunk, nil)
	if err != nil {
		return err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(o.source+".checkpoint", body, 0o600)
}

// saved is what save stored.
func (o options) saved() (c job.Checkpoint, err error) {
	body, err := os.ReadFile(o.source + ".checkpoint")
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(body, &c)
}

// load brings the checkpoint into a file, every byte verified.
func (o options) load(ctx context.Context, store blob.Bucket) error {
	c, err := o.saved()
	if err != nil {
		return err
	}
	f, err := os.Create(o.source + ".loaded")
	if err != nil {
		return err
	}
	if _, err := checkpoint.Export(ctx, store, id, c, f); err != nil {
		return err
	}
	return f.Close()
}

// peakMemory is the most that this process had in memory, in MiB.
func peakMemory() (float64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			var kib float64
			_, err := fmt.Sscan(text, &kib)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("the system does not say how much memory a process had")
}
