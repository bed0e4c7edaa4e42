// Command unbroken is the command line of the loop: check and pack its rules, send and replay signals, read outputs,
// see how the regions are and what became of a signal.
//
// One command a file. What a command needs of the world outside (streams, clock, environment, AWS) comes in through
// world, so that every command runs in a test as it does in a terminal.
package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/s3"
	"example.com/unbroken/localstack/local"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], &world{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Terminal: terminal(os.Stderr), StdinTerminal: terminal(os.Stdin),
		User: os.Getenv("USER"), Now: time.Now, Wait: wait,
		HTTP:   &http.Client{CheckRedirect: client.NoRedirect},
		Lookup: lookup,
		Local:  func(ctx context.Context) (site, error) { return found(local.Find(ctx, ".")) },
		AWS:    config.LoadDefaultConfig,
		Cloud:  connect,
		Bucket: func(cfg aws.Config, name string) objects { return s3.Bucket{API: s3.Client(cfg), Name: name} },
	})
	stop()
	os.Exit(code)
}

// terminal says whether a person looks at the file.
func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// lookup asks a resolver, as IP:PORT, for the addresses of a host.
func lookup(ctx context.Context, resolver, host string) ([]string, error) {
	r := &net.Resolver{}
	if resolver != "" {
		r.PreferGo = true
		r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, resolver)
		}
	}
	return r.LookupHost(ctx, host)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
