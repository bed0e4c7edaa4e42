// Command receiver runs the webhook target of package receiver by itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"example.com/unbroken/localstack/receiver"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	addr := flag.String("addr", receiver.DefaultAddr, "where to listen")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The secret comes through the environment: a flag would show in the process list.
	r, err := receiver.New(receiver.Options{Secret: os.Getenv("WEBHOOK_SECRET")})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("receiver: %w: is one already running?", err)
	}
	return r.Serve(ctx, l)
}
