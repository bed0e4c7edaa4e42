package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

// orderArgs are what every order to a region says.
type orderArgs struct {
	Name   string `arg:"" name:"region" help:"The loop region."`
	Reason string `required:"" placeholder:"TEXT" help:"Stands in unbroken status, and in the audit trail."`
}

type drainCmd struct {
	orderArgs
	namesArgs
	Force bool `help:"Drain it although no other region answers: then nobody takes signals."`
}

// Help implements kong.HelpProvider.
func (drainCmd) Help() string {
	return `Within seconds the region answers 503 to producers and health checks, and DNS leaves it out with its next checks: three
of ten seconds, then the records' TTL. What is in its queues goes on. It stays so until unbroken restore, whatever the
observers find. The order is written into the table of every loop region that answers; nothing depends on a control
plane. Run again, the command changes nothing but the reason.

Refused unless another region is active and its health answers 200. With --force the region is drained all the same: every
region answers 503 then, DNS answers all of them, and signals stay with their producers until unbroken restore.

The last resort, where the region goes on answering 200 or no table can be written: --control-plane DOMAIN takes it out of
DNS, too, by asking its health check of DOMAIN for more healthy children than it has. No record is changed. This depends on Route 53's API, which is
in us-east-1 alone, and the caller needs route53:ListHostedZonesByName, ListResourceRecordSets, GetHealthCheck and
UpdateHealthCheck. Undo it with unbroken restore REGION --control-plane DOMAIN; a deployment does not.

Exits 4 if no table could be written, or the control plane did not do it.

  unbroken drain us-west-2 --reason "maintenance of the network"
  unbroken drain us-west-2 --reason "it lies" --control-plane loop.example.com`
}

// Run implements the command.
func (c drainCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.order(ctx, g, w, order{region.Drain, c.namesArgs, c.Force})
}

type restoreCmd struct {
	orderArgs
	namesArgs
}

// Help implements kong.HelpProvider.
func (restoreCmd) Help() string {
	return `The region takes signals again at once, whoever drained it. From then on the observers judge it as ever: if two object
for longer than the dwell (5 minutes), they drain it again; unbroken freeze keeps them from it. What was taken out of DNS
with --control-plane comes back with the same flag only, and the command says so.

  unbroken restore us-west-2 --reason "the network is well"`
}

// Run implements the command.
func (c restoreCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.order(ctx, g, w, order{region.Restore, c.namesArgs, false})
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
	return c.order(ctx, g, w, order{Order: region.Freeze})
}

type unfreezeCmd struct{ orderArgs }

// Help implements kong.HelpProvider.
func (unfreezeCmd) Help() string {
	return `The observers judge the region again, after the dwell that follows every order.

  unbroken unfreeze us-west-2 --reason "deployed"`
}

// Run implements the command.
func (c unfreezeCmd) Run(ctx context.Context, g *globals, w *world) error {
	return c.order(ctx, g, w, order{Order: region.Unfreeze})
}

// order is what is ordered, and by which ways besides the tables.
type order struct {
	region.Order
	names namesArgs
	force bool
}

// ordered is what became of an order.
type ordered struct {
	Region string `json:"region"`
	region.Entry
	Written []string          `json:"written"` // the regions whose tables have it
	Failed  map[string]string `json:"failed,omitempty"`
	DNS     *dnsChange        `json:"dns,omitempty"` // what was asked of Route 53's control plane
}

// order writes one into every table that answers.
func (a orderArgs) order(ctx context.Context, g *globals, w *world, o order) error {
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
	if err != nil && !o.names.asked() { // the last resort needs no table
		return err
	}
	was := views[a.Name].Now(now)
	e := region.Entry{State: was.State, Since: now, Order: o.Order, By: r.Who(ctx), Why: a.Reason, ControlPlane: o.names.next(o.Order, was)}
	switch o.Order {
	case region.Drain:
		if was.Order != region.Drain && !o.force { // one that is drained already takes nothing away
			if err := r.taken(ctx, g, w, views, a.Name, now); err != nil {
				return err
			}
		}
		e.State = region.Drained
	case region.Restore:
		e.State = region.Active
	case region.Freeze, region.Unfreeze:
	}
	out := r.everywhere(ctx, a.Name, e)
	if o.names.asked() {
		out.DNS = r.flip(ctx, o, a.Name)
	}
	if g.JSON {
		if err := printJSON(w.Stdout, out); err != nil {
			return err
		}
	} else {
		out.print(w, o, was)
	}
	return out.failure(o)
}

// everywhere writes the order into every table, all at once.
func (r *reach) everywhere(ctx context.Context, name string, e region.Entry) ordered {
	tables := r.cfg.Regions.Loop
	out := ordered{Region: name, Entry: e, Failed: map[string]string{}}
	errs := make([]error, len(tables))
	var group errgroup.Group
	for i, table := range tables {
		group.Go(func() error {
			errs[i] = r.write(ctx, table, name, e)
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
	return out
}

func (o ordered) print(w *world, asked order, was region.Entry) {
	if len(o.Written) > 0 {
		_, _ = fmt.Fprintf(w.Stdout, "%s is %s: %s by %s: %s\n", o.Region, o.State, o.Order, line(o.By), line(o.Why))
	}
	for _, table := range slices.Sorted(maps.Keys(o.Failed)) {
		_, _ = fmt.Fprintf(w.Stderr, "unbroken: not written to %s, which learns of it by replication: %s\n", table, o.Failed[table])
	}
	if asked.force {
		_, _ = fmt.Fprintln(w.Stderr, "unbroken: --force: whether another region takes signals was not looked at")
	}
	if o.DNS != nil {
		o.DNS.print(w, o.Region)
	}
	if asked.Order == region.Restore && was.ControlPlane != "" && !asked.names.asked() {
		_, _ = fmt.Fprintf(w.Stderr, "unbroken: DNS still leaves %s out, by the control plane: run this again with --control-plane %s\n", o.Region, line(was.ControlPlane))
	}
}

// failure is nil where all that was asked for was done somewhere.
func (o ordered) failure(asked order) error {
	if len(o.Written) == 0 {
		return fail(exitUnreachable, errors.New("no table could be written: run the command again"))
	}
	if asked.names.asked() && o.DNS.Error != "" {
		return fail(exitUnreachable, errors.New("Route 53's control plane did not do it: "+o.DNS.Error))
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
	what := map[string]any{"at": e.Since, "by": e.By, "why": e.Why, "what": string(e.Order) + " " + name, "controlPlane": e.ControlPlane}
	return r.Docs.Put(ctx, table, "audit#"+table, loop.TimeKey(e.Since), what, auditKeep)
}

// states are those that the tables which answer tell of, brought together: an order may have reached one only.
func (r *reach) states(ctx context.Context) (map[string]region.View, error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	tables := r.cfg.Regions.Loop
	found, errs := make([]map[string]region.View, len(tables)), make([]error, len(tables))
	reader := region.Reader{Docs: r.Docs, Loop: tables, Observers: r.cfg.Regions.All(), Operator: r.cfg.Health.Drain == loop.DrainOperator}
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
