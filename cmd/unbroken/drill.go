package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

type drillCmd struct {
	Name     string        `arg:"" name:"region" help:"The loop region to drain."`
	For      time.Duration `placeholder:"DURATION" help:"How long it stays drained: 10s to 1h (default: 90s; with --domain 2m, which is long enough for DNS)."`
	Input    string        `default:"default" help:"The input that the drill's own signals go to. No rule should match their type, unbroken.drill."`
	Reason   string        `default:"drill" placeholder:"TEXT" help:"Stands in unbroken status, and in the audit trail."`
	Domain   string        `placeholder:"DOMAIN" help:"The loop's name: measures when DNS leaves the region out and answers it again."`
	Resolver string        `placeholder:"IP:PORT" help:"Whom to ask for it (default: this machine's resolver, and then https://DOMAIN/v1/health is asked, too)."`
}

// Help implements kong.HelpProvider.
func (drillCmd) Help() string {
	return `Sends about four signals a second, hedged between all regions; drains the region under them; restores it; and reports what
producers saw, when health answered 503 and 200 again, when DNS left the region out, what its queues held, and how old the
canaries' receipts were. The loop does not know that it is a drill.

Refused unless the region is active, another one is active and answers 200, no other drill runs, and this machine's clock
is that of the observers, as for every order; and right before the drain, if somebody drained or froze the region, or
drained all others, meanwhile. Ctrl-C restores the
region and reports what was measured; so does the drill itself when no other region answers any more. If it dies without
that, the region stays drained until unbroken restore. What a person orders meanwhile stands.

Exits 1 if something was not as it should be: a signal not accepted, a send that took longer than a second, health not 503
within 5 s or not 200 within 90 s, DNS not changed within 45 s and the records' TTL of 60 s of the order, or of health's 200,
receipts older than 90 s, https://DOMAIN not answering 200 before the drill, a table or an audit trail that one of its two
orders did not reach; also where --for was too short to tell of DNS,
and where the drill was refused or aborted. In all these cases the region is restored. Exits 4 if that could not be done, or
if it could not be told whether another drill runs. DNS can be judged only where DOMAIN is answered with the region.

  unbroken drill us-west-2
  unbroken drill us-west-2 --domain loop.example.com`
}

const (
	drillEvery    = 250 * time.Millisecond // a signal, and a look at the region's health
	drillSlow     = 4                      // so many of these between looks at everything else
	drillFor      = 90 * time.Second
	drillForDNS   = 2 * time.Minute // more than drillDNS
	drillBefore   = 5 * time.Second
	drillPatience = 3 * time.Second  // then a signal counts as not accepted
	drillAfter    = 90 * time.Second // at most, until the region is back; drillDNS more until DNS answers it
	drillKey      = "drill"          // of the record in claims that says that one runs
)

// Run implements the command.
func (c drillCmd) Run(ctx context.Context, g *globals, w *world) error {
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	all := r.cfg.Regions.Loop
	if c.For == 0 {
		if c.For = drillFor; c.Domain != "" {
			c.For = drillForDNS
		}
	}
	switch {
	case !slices.Contains(all, c.Name):
		return fail(exitUsage, fmt.Errorf("%s is no loop region: loop.yaml has %s", line(c.Name), strings.Join(all, ", ")))
	case c.For < 10*time.Second || c.For > time.Hour:
		return fail(exitUsage, fmt.Errorf("--for is %s: 10s to 1h are possible", c.For))
	}
	flags := sendFlags{Input: c.Input, Hedge: true, HedgeAfter: 100 * time.Millisecond, Via: "http", Timeout: drillPatience}
	sender, err := flags.client(ctx, g, w, r, client.Config{})
	if err != nil {
		return err
	}
	urls, err := r.anyEndpoint(ctx, g.Endpoint, all)
	if err != nil {
		return err
	}
	if err := c.ready(ctx, g, w, r); err != nil {
		return err
	}
	release, err := r.lockDrill(ctx, w, c.Name, c.For)
	if err != nil {
		return err
	}
	defer release()
	d := &drill{drillCmd: c, reach: r, w: w, sender: sender, urls: urls, shown: w.progress(g)}
	d.report = drillReport{Region: c.Name, By: r.Who(ctx), Began: w.Now().UTC(), Receipts: map[string]loop.Duration{}, domain: c.Domain != ""}
	err = d.run(ctx)
	d.shown.end()
	if err != nil {
		return err
	}
	return d.report.print(g, w)
}

// ready says whether a drill would take away what nobody can spare.
func (c drillCmd) ready(ctx context.Context, g *globals, w *world, r *reach) error {
	views, err := r.states(ctx)
	if err != nil {
		return err
	}
	now := w.Now()
	if err := r.clock(ctx, views, now); err != nil {
		return fail(exitProblem, errors.New("no drill: "+strings.TrimSuffix(strings.TrimPrefix(err.Error(), trustFirst), trustLast))) // it has no such flag
	}
	if err := c.may(views, now); err != nil {
		return fail(exitProblem, err)
	}
	if err := r.taken(ctx, g, w, views, c.Name, now); err != nil {
		return fail(exitProblem, errors.New("no drill: nobody else would take the signals of "+c.Name+": "+strings.TrimSuffix(err.Error(), "; --force drains it all the same")))
	}
	return nil
}

// may is nil where the region is active and not frozen: a drill restores what it drained to just that.
func (c drillCmd) may(views map[string]region.View, now time.Time) error {
	if e := views[c.Name].Now(now); e.State != region.Active || e.Pins() {
		return fmt.Errorf("%s is %s, by %s: %s; a drill begins with a region that is active and not frozen", c.Name, e.State, line(e.By), line(e.Why))
	}
	return nil
}

// drilling is the record of the drill that runs.
type drilling struct {
	Region string    `json:"region"`
	By     string    `json:"by"`
	Until  time.Time `json:"until"` // a drill that died holds up others no longer
}

// errDrilling: another one runs.
var errDrilling = errors.New("a drill runs already")

// lockDrill makes this the only drill, in the first region whose claims answer: the record is of all regions, and of two
// writers one wins.
func (r *reach) lockDrill(ctx context.Context, w *world, name string, length time.Duration) (release func(), err error) {
	mine := drilling{Region: name, By: r.Who(ctx), Until: w.Now().UTC().Add(length + drillBefore + drillAfter + drillDNS + time.Minute)}
	var errs []error
	for _, table := range r.cfg.Regions.Loop {
		rev, err := r.lockIn(ctx, w, table, mine)
		switch {
		case err == nil:
			return func() {
				ctx, cancel := callContext(context.WithoutCancel(ctx))
				defer cancel()
				_ = r.Records(table).Store(ctx, drillKey, drilling{Region: name, By: mine.By}, rev) // else it ends by itself
			}, nil
		case errors.Is(err, errDrilling), errors.Is(err, loop.ErrConflict):
			return nil, fail(exitProblem, err)
		}
		errs = append(errs, err)
	}
	return nil, fail(exitUnreachable, fmt.Errorf("that no other drill runs cannot be made sure of: %w", errors.Join(errs...)))
}

// lockIn writes the record and returns its revision.
func (r *reach) lockIn(ctx context.Context, w *world, table string, mine drilling) (int64, error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	standing, rev, err := r.Records(table).Load(ctx, drillKey)
	if err != nil {
		return 0, err
	}
	var other drilling
	if json.Unmarshal(standing, &other) == nil && w.Now().Before(other.Until) {
		return 0, fmt.Errorf("%w: of %s, by %s, until %s", errDrilling, line(other.Region), line(other.By), other.Until.Format(time.RFC3339))
	}
	return rev + 1, r.Records(table).Store(ctx, drillKey, mine, rev)
}
