// Command ready asks a server once whether it does what Cohort needs of it, and
// exits with 1 and the reason if not. The script up calls it until it succeeds.
//
//	ready port              prints a port that nobody listens at
//	ready vacant HOST:PORT  nobody listens there
//	ready redis HOST:PORT   it answers PING
//	ready kafka HOST:PORT   every partition has a leader that answers
//	ready s3 URL            the bucket of this store is there, made if it was not
//
// Accounts and authorities are in the environment, in the variables that
// coordinators and workers read.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// limit bounds one look at one server.
const limit = 5 * time.Second

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	err := run(ctx, os.Args[1:])
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "port":
		return printFreePort(ctx, os.Stdout)
	case len(args) == 2 && args[0] == "vacant":
		return try(ctx, args[1])
	case len(args) == 2 && args[0] == "redis":
		return askRedis(ctx, args[1])
	case len(args) == 2 && args[0] == "kafka":
		return askKafka(ctx, args[1])
	case len(args) == 2 && args[0] == "s3":
		return askS3(ctx, args[1])
	}
	return errors.New("usage: ready port | vacant HOST:PORT | redis HOST:PORT | kafka HOST:PORT | s3 URL")
}
