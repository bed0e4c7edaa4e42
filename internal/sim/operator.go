package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"example.com/unbroken/internal/loop"
)

// Order is one thing that a person does while a run goes on, as the command line does it: repeated, in one region after
// another, until it is done.
type Order struct {
	Kind OrderKind
	At   time.Duration
	For  time.Duration // until the rule is revived, or how long the silence lasts
	Rule string
	Key  string // of a silence; "" for all
}

func (o Order) String() string {
	return fmt.Sprintf("order %s %s %s at %s for %s", o.Kind, o.Rule, o.Key, seconds(o.At), seconds(o.For))
}

// OrderKind is what a person does.
type OrderKind string

// What people do.
const (
	OrderKill    OrderKind = "kill"    // and revive, after For
	OrderSilence OrderKind = "silence" // from SilenceLead on, for For
	OrderApprove OrderKind = "approve" // everything of the rule that waits for it
)

// person is whom the loop hears of.
const person = "someone"

func drawOrders(r *rand.Rand, p Plan) (all []Order) {
	at := func() time.Duration { return time.Duration(r.Int64N(int64(p.Length))) }
	span := func() time.Duration { return 30*time.Second + time.Duration(r.Int64N(int64(4*time.Minute))) }
	rules := []string{"hook", "brief", "mark", "wake", "burst", "level", "slow", "calm", "capped", "tuned"}
	if r.IntN(4) == 0 {
		all = append(all, Order{Kind: OrderKill, At: at(), For: span(), Rule: rules[r.IntN(len(rules))]})
	}
	if r.IntN(4) == 0 {
		o := Order{Kind: OrderSilence, At: at(), For: span(), Rule: rules[r.IntN(len(rules))]}
		if r.IntN(2) == 0 {
			o.Key = "k0"
		}
		all = append(all, o)
	}
	return append(all, Order{Kind: OrderApprove, At: at(), Rule: "ask"})
}

// obey plans what a person does.
func (w *World) obey(o *Order) {
	switch o.Kind {
	case OrderKill:
		w.command(o.At, func(ctx context.Context, region string) error { return w.kills(ctx, region, o.Rule) })
		w.command(o.At+o.For, func(ctx context.Context, region string) error { return w.revives(ctx, region, o.Rule) })
	case OrderSilence:
		w.command(o.At, func(ctx context.Context, region string) error { return w.silences(ctx, region, o) })
	case OrderApprove:
		w.command(o.At, func(ctx context.Context, region string) error { return w.approves(ctx, region, o.Rule) })
	}
}

// patience is how often a person runs a command again.
const patience = 200

// command runs do in one region after another until it succeeds.
func (w *World) command(at time.Duration, do func(ctx context.Context, region string) error) {
	var try func(n int)
	try = func(n int) {
		region := w.plan.Loop[n%len(w.plan.Loop)]
		t := &task{what: "operator", region: region}
		err := errUnreachable
		w.clock.spawn(t, func() {
			if !w.down[region] {
				err = do(withTask(t), region)
			}
			if (err != nil || t.dead) && n < patience {
				w.clock.after(2*time.Second, func() { try(n + 1) })
			}
		})
	}
	w.clock.after(at, func() { try(0) })
}

// edit changes the controls in one read and one conditional write.
func (w *World) edit(ctx context.Context, region string, change func(loop.Controls) (next loop.Controls, changed bool)) error {
	view := w.controls.In(region)
	now, err := view.Load(ctx)
	if err != nil {
		return err
	}
	next, changed := change(now)
	if !changed {
		return nil
	}
	return view.Store(ctx, next)
}

func (w *World) kills(ctx context.Context, region, rule string) error {
	return w.edit(ctx, region, func(c loop.Controls) (loop.Controls, bool) {
		return c.WithKill(loop.Kill{Scope: rule, By: person, Reason: "drill", At: w.clock.now})
	})
}

func (w *World) revives(ctx context.Context, region, rule string) error {
	return w.edit(ctx, region, func(c loop.Controls) (loop.Controls, bool) {
		return c.WithoutKill(rule, w.clock.now, person, "drill is over")
	})
}

func (w *World) silences(ctx context.Context, region string, o *Order) error {
	var err error
	from := w.clock.now.Add(loop.SilenceLead)
	s := loop.Silence{
		ID: "s-" + seconds(w.clock.now.Sub(start)), From: from, Until: from.Add(o.For), Created: w.clock.now,
		By: person, Reason: "maintenance", Match: []loop.Matcher{{Field: "rule", Value: o.Rule}},
	}
	if o.Key != "" {
		s.Match = append(s.Match, loop.Matcher{Field: "key", Value: o.Key})
	}
	return errors.Join(w.edit(ctx, region, func(c loop.Controls) (next loop.Controls, changed bool) {
		next, err = c.WithSilence(s, w.clock.now)
		return next, err == nil
	}), err)
}

// approves lets everything of a rule go that waits for it. It may have died in between, so what is approved and not
// through is sent its message again.
func (w *World) approves(ctx context.Context, region, rule string) error {
	all, err := w.claims.All()
	if err != nil {
		return err
	}
	for _, c := range byEffect(all) {
		if c.Effect.RuleID != rule {
			continue
		}
		switch {
		case c.WaitsForApproval():
			next := c.Approved(w.clock.now, person, "looks good")
			if err := w.claims.In(region).Unpark(ctx, next, c.Token); err != nil {
				return err
			}
		case c.Status != loop.StatusClaimed || c.ApprovedBy == "":
			continue
		}
		body, err := loop.Encode(loop.Item{AcceptedAt: c.AcceptedAt, Input: "operator", Effect: &c.Effect})
		if err != nil {
			return err
		}
		msg := []loop.Outgoing{{Body: body, Group: c.Effect.Action}}
		if err := w.queues.From(region).Send(ctx, region, loop.QueueActions, msg)[0]; err != nil {
			return err
		}
	}
	return nil
}
