// Command edge runs the proxy of package edge by itself, in front of an emulator that
// something else started.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"example.com/unbroken/localstack/edge"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	addr := flag.String("addr", edge.DefaultAddr, "where to listen")
	upstream := flag.String("upstream", edge.DefaultUpstream, "the emulator")
	regions := flag.String("regions", strings.Join(edge.DefaultRegions, ","), "where to look for the owner of an API")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e, err := edge.New(edge.Options{
		Upstream: *upstream,
		Regions:  strings.Split(*regions, ","),
		Log:      slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("edge: %w: is one already running?", err)
	}
	return e.Serve(ctx, l)
}
