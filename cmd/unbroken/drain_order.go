package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/region"
)

// orderArgs are what every order to a region says.
type orderArgs struct {
	Name       string `arg:"" name:"region" help:"The loop region."`
	Reason     string `required:"" placeholder:"TEXT" help:"Stands in unbroken status, and in the audit trail."`
	TrustClock bool   `help:"Order it although this machine's clock and the observers' verdicts differ."`
}

// order is what is ordered, and by which ways besides the tables.
type order struct {
	region.Order
	names namesArgs
	force bool
}

// order writes one into every table that answers, and looks what stands then.
func (a orderArgs) order(ctx context.Context, g *globals, w *world, o order) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	if all := r.cfg.Regions.Loop; !slices.Contains(all, a.Name) {
		return fail(exitUsage, fmt.Errorf("%s is no loop region: loop.yaml has %s", line(a.Name), strings.Join(all, ", ")))
	}
	now := w.Now().UTC()
	views, err := r.states(ctx)
	if err != nil && !o.names.asked() { // the last resort needs no table
		return err
	}
	if !a.TrustClock {
		if err := r.clock(ctx, views, now); err != nil {
			return err
		}
	}
	was := views[a.Name].Now(now)
	if done, err := a.underDrain(g, w, o, was); done {
		return err
	}
	spares := o.Order == region.Drain && was.Order != region.Drain && !o.force // one that is drained already takes nothing away
	if spares {
		if err := r.taken(ctx, g, w, views, a.Name, now); err != nil {
			return err
		}
	}
	out, err := r.do(ctx, w, a, o, views, spares)
	if err != nil {
		return err
	}
	if o.names.asked() && o.Order == region.Drain && out.Stands == nil {
		out.DNS = r.flip(ctx, o, a.Name)
	}
	if g.JSON {
		if err := printJSON(w.Stdout, out); err != nil {
			return err
		}
	} else {
		out.print(w, o)
	}
	return out.failure(o)
}

// underDrain ends a freeze and an unfreeze of a region that a person drained: that holds it already, until a restore.
func (a orderArgs) underDrain(g *globals, w *world, o order, was region.Entry) (done bool, err error) {
	if was.Order != region.Drain {
		return false, nil
	}
	why := fmt.Sprintf("%s is drained by %s: %s", a.Name, line(was.By), line(was.Why))
	switch o.Order {
	case region.Unfreeze:
		return true, fail(exitProblem, errors.New(why+". That holds it whatever the observers find: unbroken restore ends it, unfreeze does not"))
	case region.Freeze:
		if g.JSON {
			return true, printJSON(w.Stdout, ordered{Region: a.Name, Entry: was, Written: []string{}})
		}
		_, _ = fmt.Fprintln(w.Stdout, why+". That holds it until unbroken restore, whatever the observers find: nothing was written")
		return true, nil
	case region.Drain, region.Restore:
	}
	return false, nil
}

// do writes the order, and looks what stands then. What the control plane took out it puts back first: the order says
// whether that was done.
func (r *reach) do(ctx context.Context, w *world, a orderArgs, o order, views map[string]region.View, spares bool) (ordered, error) {
	var dns *dnsChange
	if o.names.asked() && o.Order == region.Restore {
		dns = r.flip(ctx, o, a.Name)
	}
	views, now, err := r.again(ctx, w, a.Name, views)
	if err != nil {
		if dns != nil && dns.Error == "" {
			err = fail(exitProblem, fmt.Errorf("%w. DNS answers it again: unbroken drain %s --control-plane %s --reason … ends that", err, a.Name, line(dns.Domain)))
		}
		return ordered{}, err
	}
	was, state := views[a.Name].Now(now), region.Drained
	switch o.Order {
	case region.Restore:
		state = region.Active
	case region.Freeze, region.Unfreeze:
		state = was.State
	case region.Drain:
	}
	e := following(views[a.Name], now, o.Order, state)
	e.By, e.Why, e.ControlPlane = r.Who(ctx), a.Reason, o.names.next(o.Order, e.ControlPlane, dns)
	if r.operator() && state == region.Active {
		e.After = time.Time{} // what observers flipped is not read, and may be what it ends
	}
	out := r.everywhere(ctx, a.Name, e)
	r.look(ctx, &out, o, views, now, spares)
	out.DNS = dns // after it: where something came between, look writes again
	return out, nil
}

// following is an order that comes after everything that is known of the region, whatever this machine's clock says.
func following(v region.View, now time.Time, o region.Order, s region.State) region.Entry {
	was := v.Now(now)
	e := region.Entry{State: s, Since: now, Order: o, ControlPlane: v.Order(now).ControlPlane}
	for _, known := range v.Entries {
		if known.Since.Sub(now) <= region.Fresh && !known.Since.Before(e.Since) { // what is further ahead counts for nobody
			e.Since = known.Since.Add(1)
		}
	}
	if was.State == s {
		e.After = was.Name() // it is no flip
	}
	if s == region.Drained && was.State == region.Drained {
		e.Drained = was.DrainedSince()
	}
	return e
}
