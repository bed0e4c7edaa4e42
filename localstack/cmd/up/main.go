// Command up is `make run`: it starts the local world, deploys both loop regions and the witness to it with the
// real cdk, sends the sample signals and shows the way of each one. It stays up until Ctrl-C, or with --once
// ends after the samples: 0 if they landed, 1 with the reason if they did not.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
	"example.com/unbroken/internal/schema"
	"example.com/unbroken/localstack/local"
)

// secret signs the samples' webhooks; the receiver checks it. It guards nothing but this demonstration.
const secret = "whsec_bG9jYWwgc2FtcGxlcyBvbmx5LCBub3QgYSBzZWNyZXQ=" //nolint:gosec // says so itself

type flags struct {
	Once bool   `help:"End after the samples have landed."`
	Loop string `help:"The loop.yaml to deploy." default:"localstack/loop.yaml"`
	Dir  string `help:"The project's folder." default:"."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := start(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes. To be stopped is no failure: that is how `make run` ends.
const (
	exitOK      = 0
	exitProblem = 1
	exitUsage   = 2
)

// start is the program: arguments in, exit code out.
func start(ctx context.Context, args []string, out, complaints io.Writer) int {
	var f flags
	exited := -1
	parser, err := kong.New(&f, kong.Name("up"), kong.Description("Start the local world, deploy the loop and send the samples."),
		kong.Writers(out, complaints), kong.Exit(func(code int) { exited = code }))
	if err == nil {
		_, err = parser.Parse(args)
	}
	switch {
	case exited >= 0: // --help has been answered
		return exited
	case err != nil:
		_, _ = fmt.Fprintf(complaints, "up: %v; see `up --help`\n", err)
		return exitUsage
	}
	if err := run(ctx, f, out); err != nil && !errors.Is(err, context.Canceled) {
		_, _ = fmt.Fprintln(complaints, "\nup:", err)
		return exitProblem
	}
	return exitOK
}

func run(ctx context.Context, f flags, out io.Writer) (err error) {
	cfg, err := rule.ParseFile(f.Loop, schema.Check)
	if err != nil {
		return err
	}
	say := progress{out: out}
	site, world, err := open(ctx, f, cfg, &say)
	if err != nil {
		return err
	}
	if world != nil {
		defer func() {
			say.begin("stopping emulator, edge and receiver")
			err = errors.Join(err, world.Stop())
			say.end(err)
		}()
	}
	if err := deploy(ctx, site, f, cfg, &say); err != nil {
		return err
	}
	if err := samples(ctx, site, f, cfg, &say); err != nil {
		return err
	}
	if f.Once {
		_, _ = fmt.Fprintln(out, "\nThe samples landed.")
		return nil
	}
	next(out, site, cfg, world != nil)
	if world == nil {
		return nil
	}
	return world.Wait(ctx)
}

// open reuses the world that runs here, or starts one.
func open(ctx context.Context, f flags, cfg *loop.Config, say *progress) (*local.Site, *local.World, error) {
	if site, err := local.Find(ctx, f.Dir); err == nil {
		_, _ = fmt.Fprintf(say.out, "reusing the world that runs already, edge at %s\n", site.EdgeURL)
		return site, nil, nil
	}
	say.begin("starting emulator, edge and receiver")
	world, err := local.Start(ctx, local.Options{
		Dir: f.Dir, EdgePort: local.EdgePort, EmulatorPort: local.EmulatorPort, ReceiverPort: local.ReceiverPort, DNSPort: local.DNSPort,
		Secret: secret, Regions: cfg.Regions.All(), Log: say.log(),
	})
	if err == nil {
		err = world.Announce(ctx)
	}
	say.end(err)
	if err != nil {
		return nil, nil, err
	}
	return &world.Site, world, nil
}
