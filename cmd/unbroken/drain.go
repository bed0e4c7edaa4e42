package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

// orderArgs are what every order to a region says.
type orderArgs struct {
	Name   string `arg:"" name:"region" help:"The loop region."`
	Reason string `required:"" placeholder:"TEXT" help:"Stands in unbroken status, and in the audit trail."`
}

type drainCmd struct{ orderArgs }

// Help implements kong.HelpProvider.
func (drainCmd) Help() string {
	return `Within seconds the region answers 503 to producers and health checks, and DNS leaves it out with its next checks: three
of ten seconds, then the records' TTL. What is in its queues goes on. It stays so until unbroken restore, whatever the
observers find. The order is written into the table of every loop region that answers; nothing depends on a control
plane. The last active region is not drained. Run again, the command changes nothing but the reason.

Exits 4 if no table could be written.

  unbroken drain us-west-2 --reason "maintenance of the network"`
}

// Run implements the command.
func (c drainCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.order(ctx, g, w, region.Drain)
}

type restoreCmd struct{ orderArgs }

// Help implements kong.HelpProvider.
func (restoreCmd) Help() string {
	return `The region takes signals again at once, whoever drained it. From then on the observers judge it as ever: if two object
for longer than the dwell (5 minutes), they drain it again; unbroken freeze keeps them from it.

  unbroken restore us-west-2 --reason "the network is well"`
}

// Run implements the command.
func (c restoreCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.order(ctx, g, w, region.Restore)
}

type freezeCmd struct{ orderArgs }

// Help implements kong.HelpProvider.
func (freezeCmd) Help() string {
	return `The region stays what it is, active or drained, until unbroken unfreeze, drain or restore. Observers go on telling, and
their objections page. Health checks still leave the region out of DNS while its endpoint or its canary fails.

  unbroken freeze us-west-2 --reason "deploying; it will blink"`
}

// Run implements the command.
func (c freezeCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.order(ctx, g, w, region.Freeze)
}

type unfreezeCmd struct{ orderArgs }

// Help implements kong.HelpProvider.
func (unfreezeCmd) Help() string {
	return `The observers judge the region again, after the dwell that follows every order.

  unbroken unfreeze us-west-2 --reason "deployed"`
}

// Run implements the command.
func (c unfreezeCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.order(ctx, g, w, region.Unfreeze)
}

// ordered is what became of an order.
type ordered struct {
	Region string `json:"region"`
	region.Entry
	Written []string          `json:"written"` // the regions whose tables have it
	Failed  map[string]string `json:"failed,omitempty"`
}

// order writes one into every table that answers.
func (a orderArgs) order(ctx context.Context, g *globals, w *world, order region.Order) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	tables := r.cfg.Regions.Loop
	if !slices.Contains(tables, a.Name) {
		return fail(exitUsage, fmt.Errorf("%s is no loop region: loop.yaml has %s", line(a.Name), strings.Join(tables, ", ")))
	}
	now := w.Now().UTC()
	views, err := r.states(ctx)
	if err != nil {
		return err
	}
	e := region.Entry{State: views[a.Name].Now(now).State, Since: now, Order: order, By: r.Who(ctx), Why: a.Reason}
	switch order {
	case region.Drain:
		if lastActive(views, a.Name, now) {
			return fail(exitProblem, fmt.Errorf("%s is the last active region: restore another one first", a.Name))
		}
		e.State = region.Drained
	case region.Restore:
		e.State = region.Active
	case region.Freeze, region.Unfreeze:
	}
	out := ordered{Region: a.Name, Entry: e, Failed: map[string]string{}}
	errs := make([]error, len(tables))
	var group errgroup.Group
	for i, table := range tables {
		group.Go(func() error {
			errs[i] = r.write(ctx, table, a.Name, e)
			return nil
		})
	}
	_ = group.Wait() // each keeps its error in its own slot
	for i, table := range tables {
		if errs[i] == nil {
			out.Written = append(out.Written, table)
		} else {
			out.Failed[table] = short(errs[i])
		}
	}
	if len(out.Written) == 0 {
		return fail(exitUnreachable, fmt.Errorf("no table could be written: run the command again: %w", errors.Join(errs...)))
	}
	if g.JSON {
		return printJSON(w.Stdout, out)
	}
	_, _ = fmt.Fprintf(w.Stdout, "%s is %s: %s by %s: %s\n", a.Name, e.State, order, line(e.By), line(e.Why))
	for table, why := range out.Failed {
		_, _ = fmt.Fprintf(w.Stderr, "unbroken: not written to %s, which learns of it by replication: %s\n", table, why)
	}
	return nil
}

// write puts the order into a region's table under that table's own name, and beside it who gave it and why.
func (r *reach) write(ctx context.Context, table, name string, e region.Entry) error {
	ctx, cancel := callContext(ctx)
	defer cancel()
	if err := r.Docs.Put(ctx, table, region.StateKey(name), region.OperatorKey(table), e, 0); err != nil {
		return err
	}
	what := map[string]any{"at": e.Since, "by": e.By, "why": e.Why, "what": string(e.Order) + " " + name}
	return r.Docs.Put(ctx, table, "audit#"+table, loop.TimeKey(e.Since), what, auditKeep)
}

// states are those that the tables which answer tell of, brought together: an order may have reached one only.
func (r *reach) states(ctx context.Context) (map[string]region.View, error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	tables := r.cfg.Regions.Loop
	found, errs := make([]map[string]region.View, len(tables)), make([]error, len(tables))
	reader := region.Reader{Docs: r.Docs, Loop: tables, Operator: r.cfg.Health.Drain == loop.DrainOperator}
	var group errgroup.Group
	for i, table := range tables {
		group.Go(func() error {
			found[i], errs[i] = reader.Views(ctx, table)
			return nil
		})
	}
	_ = group.Wait() // each keeps its error in its own slot
	merged := region.Merge(found...)
	if len(merged) == 0 {
		return nil, fail(exitUnreachable, fmt.Errorf("the states of regions cannot be read: %w", errors.Join(errs...)))
	}
	return merged, nil
}

// lastActive says whether no other region takes signals.
func lastActive(views map[string]region.View, name string, now time.Time) bool {
	for other, v := range views {
		if other != name && v.Now(now).State == region.Active {
			return false
		}
	}
	return true
}
