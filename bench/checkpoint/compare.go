package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/cohort-rl/cohort/bench/stage"
	"github.com/cohort-rl/cohort/blob/open"
)

// bench compares in one store after the other.
type bench struct {
	options
	dir, source string
}

// taken is what a child measured.
type taken struct {
	Seconds  float64 `json:"seconds"`
	PeakMiB  float64 `json:"peak_mib"`
	Requests string  `json:"requests,omitempty"`
	Bytes    int64   `json:"bytes,omitempty"`
}

// writeSource writes elements that do not compress.
func writeSource(path string, size int64) error {
	f, err := os.Create(path) //nolint:gosec // a folder of this process's own
	if err != nil {
		return err
	}
	random := rand.NewChaCha8([32]byte{1})
	piece := make([]byte, 1<<20)
	for ; size > 0 && err == nil; size -= int64(len(piece)) {
		_, _ = random.Read(piece)
		_, err = f.Write(piece)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// kind is ours or the baseline.
type kind struct {
	prefix string
	to     map[string][]taken
}

// measure measures in the store, in a folder of it that is emptied each time.
func (b *bench) measure(ctx context.Context, name, store string) error {
	u, err := url.Parse(store)
	if err != nil {
		return errors.New("the store's address is no URL")
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/bench-checkpoint"
	where := u.String()
	ours, raw := map[string][]taken{}, map[string][]taken{}
	for round := range b.rounds {
		for _, do := range []string{"save", "load"} {
			kinds := []kind{{"raw-" + name + "-", raw}, {"", ours}}
			if round%2 == 1 {
				slices.Reverse(kinds) // neither is always the first
			}
			for _, kind := range kinds {
				t, err := b.ask(ctx, kind.prefix+do, where)
				if err != nil {
					return err
				}
				kind.to[do] = append(kind.to[do], t)
			}
		}
		if err := empty(ctx, where); err != nil {
			return err
		}
	}
	for _, do := range []string{"save", "load"} {
		var ratios []float64
		for i := range ours[do] {
			ratios = append(ratios, raw[do][i].Seconds/ours[do][i].Seconds)
		}
		slices.Sort(ratios)
		fmt.Printf("%s %s of %d MiB: %.2f times the baseline (%.2f to %.2f in %d rounds; %.0f MiB/s against %.0f), peak memory %.0f MiB\n",
			name, do, b.size, ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1], len(ratios),
			float64(b.size)/median(ours[do]), float64(b.size)/median(raw[do]), peak(ours[do]))
	}
	t, err := b.ask(ctx, "both", where)
	if err != nil {
		return err
	}
	fmt.Printf("%s save and load in one process: peak memory %.0f MiB\n", name, t.PeakMiB)
	for _, do := range []string{"next", "resume"} {
		t, err := b.ask(ctx, do, where)
		if err != nil {
			return err
		}
		if do == "next" {
			fmt.Printf("%s next checkpoint, one tensor of ten changed: %d bytes uploaded of %d\n", name, t.Bytes, b.size<<20)
		} else {
			fmt.Printf("%s resume after %d commits: %.0f ms, requests %s\n", name, b.commits, 1000*t.Seconds, t.Requests)
		}
	}
	return empty(ctx, where)
}

// ask has a child measure.
func (b *bench) ask(ctx context.Context, do, where string) (taken, error) {
	self, err := os.Executable()
	if err != nil {
		return taken{}, err
	}
	command := exec.CommandContext(ctx, self, "-do", do, "-store", where, "-source", b.source, //nolint:gosec // this very program
		"-size", fmt.Sprint(b.size), "-commits", fmt.Sprint(b.commits))
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return taken{}, fmt.Errorf("%s: %w", do, err)
	}
	var t taken
	return t, json.Unmarshal(out, &t)
}

func empty(ctx context.Context, where string) error {
	store, err := open.Open(ctx, where, open.Options{Create: true})
	if err != nil {
		return err
	}
	return stage.Clear(ctx, store)
}

func median(all []taken) float64 {
	seconds := make([]float64, len(all))
	for i, t := range all {
		seconds[i] = t.Seconds
	}
	slices.Sort(seconds)
	return seconds[len(seconds)/2]
}

func peak(all []taken) float64 {
	most := 0.0
	for _, t := range all {
		most = max(most, t.PeakMiB)
	}
	return most
}
