package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/failover"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

// drill is one that runs. It does one thing after the other: a slow answer makes it send less, not measure wrongly.
type drill struct {
	drillCmd
	*reach
	w      *world
	sender *client.Client
	urls   map[string]string
	shown  *progress
	report drillReport

	signals, ticks int
	health         string // of the region, as last seen
	answered       bool   // DNS answers with the region, as last seen
	alone          bool   // no other region answers
}

var errAlone = errors.New("no other region answers any more")

// run drains, measures and restores. The region is restored however it ends, unless another person has ordered
// something meanwhile.
func (d *drill) run(ctx context.Context) error {
	d.shared(ctx)
	if err := d.during(ctx, &d.report.Before, drillBefore, never); err != nil {
		return fail(exitProblem, fmt.Errorf("interrupted before anything was drained: %w", err))
	}
	if d.report.Before.Failed > 0 || d.health != "ok" {
		return fail(exitProblem, fmt.Errorf("nothing was drained: before it, %d of %d signals were not accepted, and the health of %s was %s",
			d.report.Before.Failed, d.report.Before.Sent, d.Name, d.health))
	}
	wasAnswered := d.answered
	began := d.w.Now().UTC()
	views, _ := d.states(ctx) // what is not known of it nobody can follow
	if err := d.still(views, began); err != nil {
		return fail(exitProblem, fmt.Errorf("nothing was drained: %w", err))
	}
	ours := d.order(views, began, region.Drain, region.Drained)
	out := d.everywhere(ctx, d.Name, ours)
	d.lacks(out)
	if len(out.Written) == 0 {
		return errors.Join(out.failure(order{Order: region.Drain}), d.restore(ctx, ours)) // an answer may have been lost
	}
	err := d.during(ctx, &d.report.Drained, d.For, func() bool {
		d.report.HealthOut = first(d.report.HealthOut, d.health == "unavailable", d.w.Now().Sub(began))
		d.report.DNSOut = first(d.report.DNSOut, wasAnswered && !d.answered, d.w.Now().Sub(began))
		return d.alone
	})
	if err == nil && d.alone {
		err = errAlone
	}
	back := d.w.Now()
	if failed := d.restore(ctx, ours); failed != nil {
		return failed
	}
	if err != nil {
		d.report.Aborted = short(err)
		return nil
	}
	limit := drillAfter
	if d.report.DNSOut != nil {
		limit += drillDNS + time.Second // one look more
	}
	err = d.during(ctx, &d.report.After, limit, func() bool {
		d.report.HealthBack = first(d.report.HealthBack, d.health == "ok", d.w.Now().Sub(back))
		d.report.DNSBack = first(d.report.DNSBack, d.report.DNSOut != nil && d.answered, d.w.Now().Sub(back))
		return d.report.HealthBack != nil && (d.report.DNSOut == nil || d.report.DNSBack != nil)
	})
	if err != nil {
		d.report.Aborted = short(err)
	}
	d.report.judge(wasAnswered, d.For)
	return nil
}

// still is nil where nothing has changed since the drill was found possible: another's order is not overwritten, and
// somebody is left.
func (d *drill) still(views map[string]region.View, now time.Time) error {
	if err := d.may(views, now); err != nil {
		return err
	}
	if !slices.ContainsFunc(loop.Peers(d.cfg.Regions.Loop, d.Name), func(other string) bool { return views[other].Now(now).State == region.Active }) {
		return errors.New("no other region is active any more")
	}
	return nil
}

// lacks adds to the findings what one of the drill's orders did not reach.
func (d *drill) lacks(out ordered) {
	for _, one := range out.lacks() {
		d.report.Findings = append(d.report.Findings, string(out.Order)+": "+one)
	}
}

func never() bool { return false }

// first keeps when something was seen first.
func first(was *loop.Duration, seen bool, at time.Duration) *loop.Duration {
	if was != nil || !seen {
		return was
	}
	d := loop.Duration(at.Round(time.Millisecond))
	return &d
}

// order is one of the drill's two.
func (d *drill) order(views map[string]region.View, now time.Time, o region.Order, s region.State) region.Entry {
	e := following(views[d.Name], now, o, s)
	e.By, e.Why = d.report.By, d.Reason
	return e
}

// restore puts the region back, unless the order that stands is not this drill's.
func (d *drill) restore(ctx context.Context, ours region.Entry) error {
	ctx = context.WithoutCancel(ctx)
	views, err := d.states(ctx)
	if e := views[d.Name].Now(d.w.Now()); err == nil && e.Order != "" && !e.Since.Equal(ours.Since) {
		d.report.Findings = append(d.report.Findings, fmt.Sprintf("%s ordered %s meanwhile: that stands, and nothing was restored", line(e.By), e.Order))
		return nil
	}
	out := d.everywhere(ctx, d.Name, d.order(views, d.w.Now().UTC(), region.Restore, region.Active))
	d.lacks(out)
	if len(out.Written) == 0 {
		return fail(exitUnreachable, fmt.Errorf("%s IS STILL DRAINED: no table could be written; run unbroken restore %s", d.Name, d.Name))
	}
	return nil
}

// during measures until the time is over, or what it waits for has come.
func (d *drill) during(ctx context.Context, p *drillPhase, length time.Duration, over func() bool) error {
	for until := d.w.Now().Add(length); d.w.Now().Before(until); {
		d.tick(ctx, p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if over() {
			return nil
		}
		d.shown.say("%s: %d signals sent, %d not accepted, slowest %s; health of it: %s", d.Name, d.signals, p.Failed, p.Slowest, d.health)
		if err := d.w.Wait(ctx, drillEvery); err != nil {
			return err
		}
	}
	return nil
}

func (d *drill) tick(ctx context.Context, p *drillPhase) {
	failed := p.Failed
	d.send(ctx, p)
	d.health = health(ctx, d.w, d.urls[d.Name]).Health
	if d.ticks++; d.ticks%drillSlow != 1 && p.Failed == failed {
		return
	}
	d.names(ctx)
	d.receipts(ctx)
	d.backlog(ctx)
	d.alone = true
	for _, peer := range loop.Peers(d.cfg.Regions.Loop, d.Name) {
		d.alone = d.alone && health(ctx, d.w, d.urls[peer]).Health != "ok"
	}
}

// send is one producer's signal: what counts is when it knew that it was accepted.
func (d *drill) send(ctx context.Context, p *drillPhase) {
	d.signals++
	began := d.w.Now()
	id := fmt.Sprintf("%s-%d-%d", d.Name, d.report.Began.UnixMilli(), d.signals)
	_, err := d.sender.Send(ctx, loop.Signal{ID: id, Source: "drill", Type: "unbroken.drill", Subject: d.Name, Time: began.UTC(), Data: json.RawMessage(`{}`)})
	if ctx.Err() != nil {
		return // it was interrupted: that says nothing
	}
	if p.Sent++; err != nil {
		p.Failed++
	}
	p.Slowest = max(p.Slowest, loop.Duration(d.w.Now().Sub(began).Round(time.Millisecond)))
}

// names asks whether the loop's name is answered with the region: with any address that its own name has.
func (d *drill) names(ctx context.Context) {
	if d.Domain == "" {
		return
	}
	ctx, cancel := callContext(ctx)
	defer cancel()
	own, err := d.w.Lookup(ctx, d.Resolver, failover.Host(d.Domain, d.Name))
	shared, failed := d.w.Lookup(ctx, d.Resolver, d.Domain)
	if err != nil || failed != nil {
		return // what is not known is as it was
	}
	d.answered = slices.ContainsFunc(shared, func(a string) bool { return slices.Contains(own, a) })
}

// shared asks the loop's own name once: an API may refuse it while it answers to its region's. HTTP asks this machine's
// resolver only.
func (d *drill) shared(ctx context.Context) {
	if d.Domain == "" || d.Resolver != "" {
		return
	}
	if e := health(ctx, d.w, "https://"+d.Domain); e.Health != "ok" {
		d.report.Findings = append(d.report.Findings, fmt.Sprintf("%s/v1/health before the drill: %s: %s", e.URL, e.Health, e.Error))
	}
}

func (d *drill) receipts(ctx context.Context) {
	for _, name := range d.cfg.Regions.Loop {
		one, cancel := callContext(ctx)
		docs, err := d.Docs.Query(one, name, loop.ReceiptKey(name))
		cancel()
		if err != nil {
			continue
		}
		for _, kind := range loop.Canaries(d.cfg.Inputs) {
			var r loop.Receipt
			if json.Unmarshal(docs[kind], &r) == nil {
				of := name + "/" + kind
				d.report.Receipts[of] = max(d.report.Receipts[of], loop.Duration(d.w.Now().Sub(r.LandedAt).Round(time.Second)))
			}
		}
	}
}

func (d *drill) backlog(ctx context.Context) {
	n := 0
	for _, q := range loop.Queues() {
		visible, _, err := d.waiting(ctx, d.Name, q)
		if err != nil {
			return
		}
		n += visible
	}
	d.report.Backlog, d.report.Left = max(d.report.Backlog, n), n
}
