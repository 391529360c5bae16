package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports below those that systems hand out to connections (from 32768 on
// Linux): while a server is down, no connection of another process, nor a
// client's own attempt to reach the server, takes its port away.
const (
	firstPort = 20000
	ports     = 12000
)

// printFreePort writes a port of loopback that can be listened at.
func printFreePort(ctx context.Context, out io.Writer) error {
	for range 100 {
		port := firstPort + rand.IntN(ports)
		if try(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) == nil {
			_, err := fmt.Fprintln(out, port)
			return err
		}
	}
	return errors.New("find a free port: 100 of 20000 to 31999 are taken")
}

// try listens at an address for a moment.
func try(ctx context.Context, address string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return l.Close()
}
