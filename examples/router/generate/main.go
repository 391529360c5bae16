// Command generate writes the traces of a support agent: into a folder of OTLP
// files, or to an OTLP receiver.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/cohort-rl/cohort/examples/router"
)

func main() {
	seed := flag.Uint64("seed", 1, "where all randomness comes from")
	tasks := flag.Int("tasks", 100, "tickets")
	conversations := flag.Int("conversations", 24, "customers that ask each of them")
	dir := flag.String("dir", "", "folder of the OTLP files to write")
	to := flag.String("to", "", "OTLP receiver to send to instead, such as http://127.0.0.1:4318/v1/traces")
	flag.Parse()
	c := router.Config{Seed: *seed, Tasks: *tasks, Conversations: *conversations, Start: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}
	if err := run(c, *dir, *to); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(c router.Config, dir, to string) error {
	switch {
	case (dir == "") == (to == ""):
		return fmt.Errorf("give --dir, a folder to write, or --to, a receiver")
	case to != "":
		return router.Generate(context.Background(), c, to)
	}
	return router.Files(context.Background(), c, dir)
}
