package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/alecthomas/kong"
)

// cli is the grammar of the command line.
type cli struct {
	globals

	Validate validateCmd `cmd:"" group:"rules" help:"Check a loop.yaml: every problem with its line, and warnings."`
	Test     testCmd     `cmd:"" group:"rules" help:"Run the tests of rules: these signals at these times, these decisions."`
	Backtest backtestCmd `cmd:"" group:"rules" help:"Decide recorded signals by new rules, and compare with the old ones."`
	Dev      devCmd      `cmd:"" group:"rules" help:"Run a loop.yaml in this process: all regions, in memory, real HTTP and webhooks."`
	Bundle   bundleCmd   `cmd:"" group:"rules" help:"Compile a loop.yaml into the artifact that the functions carry."`
	Send     sendCmd     `cmd:"" group:"signals" help:"Send signals from files or stdin, to one region or hedged to two."`
	Replay   replayCmd   `cmd:"" group:"signals" help:"Send a CSV of timestamp,value as signals, or an archive again, at a chosen speed."`
	Outputs  outputsCmd  `cmd:"" group:"signals" help:"Read the last known good output of a key, with its age and origin."`
	Status   statusCmd   `cmd:"" group:"happened" help:"Show endpoints, queues, functions, tables and observers of every region."`
	Trace    traceCmd    `cmd:"" group:"happened" help:"Show what became of a signal: ingested, decided, landed, and how it ended."`
	Explain  explainCmd  `cmd:"" group:"happened" help:"Say what every rule makes of a signal in a file, or why a deployed loop did what it did."`
	Balance  balanceCmd  `cmd:"" group:"happened" help:"Compare what was accepted with what became of it, and list what is overdue."`
	Parked   parkedCmd   `cmd:"" group:"people" help:"Look at parked effects, retry or discard them."`
	Approve  approveCmd  `cmd:"" group:"people" help:"Let effects go that wait for a person's approval."`
	Silence  silenceCmd  `cmd:"" group:"people" help:"Suppress effects for a while, or see what is suppressed."`
	Kill     killCmd     `cmd:"" group:"people" help:"Stop a rule, or all, from sending anything, at once."`
	Revive   reviveCmd   `cmd:"" group:"people" help:"Switch a kill switch off."`
	Redrive  redriveCmd  `cmd:"" group:"people" help:"Move dead letters back to their queue, to be tried again."`
	Drill    drillCmd    `cmd:"" group:"people" help:"Drain a region under load, measure, restore it, and report."`
	Salvage  salvageCmd  `cmd:"" group:"people" help:"Move what is stranded in a drained region's queues to another region."`
	Drain    drainCmd    `cmd:"" group:"people" help:"Take a region out: no new signals until it is restored."`
	Restore  restoreCmd  `cmd:"" group:"people" help:"Let a region take signals again, and the observers judge it."`
	Freeze   freezeCmd   `cmd:"" group:"people" help:"Keep observers from draining a region, or from returning it."`
	Unfreeze unfreezeCmd `cmd:"" group:"people" help:"Let the observers judge a region again."`
	Local    localCmd    `cmd:"" group:"here" help:"Cut a region of the local world off, or heal it."`
}

// groups are what a person wants to do, in the order in which they meet it.
var groups = []kong.Group{
	{Key: "rules", Title: "Rules, before they are deployed:"},
	{Key: "signals", Title: "Signals in, outputs out:"},
	{Key: "happened", Title: "What happened, and why:"},
	{Key: "people", Title: "What people do about it:"},
	{Key: "here", Title: "The world of `make run`:"},
}

// globals are the flags that every command takes.
type globals struct {
	Config   string            `short:"c" placeholder:"FILE" help:"The loop.yaml that names prefix and regions (default: loop.yaml here, else localstack/loop.yaml)."`
	JSON     bool              `name:"json" help:"Write JSON to stdout instead of text."`
	Region   string            `placeholder:"REGION" help:"Only this region."`
	Endpoint map[string]string `placeholder:"REGION=URL" mapsep:"none" help:"Where a region's API answers; found in the outputs table where not given. May be repeated."`
	World    bool              `name:"local" help:"Speak to the local world that 'make run' started: sets endpoint and credentials."`
}

const description = `A feedback loop on AWS that does not break: signals in, decisions, actions out.

To begin with, nothing but a loop.yaml is needed:

  unbroken validate localstack/loop.yaml      is it right?
  unbroken test localstack/loop.yaml          does it decide as its tests say?
  unbroken dev localstack/loop.yaml           run it here; then send to the addresses that it prints

AWS is found as every AWS client finds it: AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL.
For the local world that 'make run' started, either give --local, or

  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1

` + exitHelp

// run is the program: arguments in, exit code out.
func run(ctx context.Context, args []string, w *world) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("unbroken"), kong.Description(description),
		kong.Writers(w.Stdout, w.Stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.ExplicitGroups(groups),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(w),
	)
	if err != nil {
		return c.report(w, fmt.Errorf("a fault of the program: %w", err))
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited // --help has been answered
	}
	if err != nil {
		c.JSON = slices.Contains(args, "--json") // parsing may have ended before it
		usage := err.Error()
		if pe, ok := errors.AsType[*kong.ParseError](err); ok && pe.Context != nil && pe.Context.Command() != "" {
			usage += "; see `unbroken " + pe.Context.Command() + " --help`"
		} else {
			usage += "; see `unbroken --help`"
		}
		return c.report(w, fail(exitUsage, errors.New(usage)))
	}
	return c.report(w, parsed.Run(&c.globals))
}

// report says on stderr what went wrong, and gives the exit code.
func (g *globals) report(w *world, err error) int {
	code := codeOf(err)
	if err == nil || errors.Is(err, errSilent) {
		return code
	}
	if g.JSON {
		_ = json.NewEncoder(w.Stderr).Encode(map[string]any{"error": err.Error(), "exit": code})
		return code
	}
	_, _ = fmt.Fprintln(w.Stderr, "unbroken: "+err.Error())
	return code
}
