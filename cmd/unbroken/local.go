package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/localstack/local"
)

// site is the running local world, as far as commands need it.
type site interface {
	Cut(ctx context.Context, region string) error
	Heal(ctx context.Context, region string) error
	AWS(region string) aws.Config
}

var _ site = (*local.Site)(nil)

// found keeps a nil *local.Site from becoming a site that is not nil.
func found(s *local.Site, err error) (site, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

// running finds the local world, or says how to start it.
func (w *world) running(ctx context.Context) (site, error) {
	s, err := w.Local(ctx)
	if errors.Is(err, local.ErrNotRunning) {
		return nil, fail(exitUnreachable, err)
	}
	return s, err
}

type localCmd struct {
	Cut  cutCmd  `cmd:"" help:"Make a region dead, for clients and for its own functions."`
	Heal healCmd `cmd:"" help:"Undo a cut."`
}

type cutCmd struct {
	Target string `arg:"" name:"region" help:"The region to cut off."`
}

// Help implements kong.HelpProvider.
func (cutCmd) Help() string {
	return `The edge refuses every call to the region and of functions in it; its queues, schedules and rules start nothing
any more. Cutting twice is cutting once. The world must have been started with 'make run'.

  unbroken local cut us-east-2
  unbroken send --local --hedge events/examples/1-deploy-failed.json
  unbroken local heal us-east-2`
}

type healCmd struct {
	Target string `arg:"" name:"region" help:"The region to heal."`
}

// Help implements kong.HelpProvider.
func (healCmd) Help() string {
	return `What the cut switched off is on again, and nothing else.

  unbroken local heal us-east-2`
}

// Run implements the command.
func (c cutCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.turn(ctx, g, w, "cut", func(s site) error { return s.Cut(ctx, c.Target) })
}

// Run implements the command.
func (c healCmd) Run(ctx context.Context, g *globals, w *world) error {
	return cutCmd(c).turn(ctx, g, w, "healed", func(s site) error { return s.Heal(ctx, c.Target) })
}

func (c cutCmd) turn(ctx context.Context, g *globals, w *world, done string, do func(site) error) error {
	cfg, err := g.load()
	if err != nil {
		return err
	}
	if all := cfg.Regions.All(); !slices.Contains(all, c.Target) {
		return fail(exitUsage, fmt.Errorf("%s is not a region of the loop: choose of %s", c.Target, strings.Join(all, ", ")))
	}
	s, err := w.running(ctx)
	if err != nil {
		return err
	}
	if err := do(s); err != nil {
		return fail(exitUnreachable, err)
	}
	if g.JSON {
		return printJSON(w.Stdout, map[string]string{"region": c.Target, "state": done})
	}
	_, _ = fmt.Fprintf(w.Stdout, "%s is %s\n", c.Target, done)
	return nil
}
