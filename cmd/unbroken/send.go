package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
)

type sendCmd struct {
	sendFlags

	Parallel int      `default:"4" help:"Batches under way at once."`
	Spool    string   `type:"path" placeholder:"DIR" help:"A folder that keeps events on disk until they are accepted, 256 MiB at most. What an earlier run left there is sent first."`
	Files    []string `arg:"" optional:"" help:"Files of CloudEvents JSON; - or none for stdin."`
}

// Help implements kong.HelpProvider.
func (sendCmd) Help() string {
	return `A file holds one CloudEvents JSON event, an array of them, or one after the other (JSON lines). They go in batches
of up to 500 events and 1 MiB, with the ids they have, however often they are sent: a copy changes nothing. 429 and
503 are retried in the next region and then with jittered backoff, as Retry-After says, until --timeout.
Exits 3 if not everything was accepted, 4 if nobody is known to send to.

  unbroken send events/examples/1-deploy-failed.json
  unbroken send --hedge --hedge-after 50ms *.json
  producer | unbroken send --json -
  producer | unbroken send --spool ~/.unbroken/spool -   # killed or cut off, the next run sends what is left
  unbroken send --via sqs --region us-west-2 events/examples/*.json`
}

// sent is one event's line in the output.
type sent struct {
	origin
	client.Result
}

// maxSpool is how many bytes a spool may hold.
const maxSpool = 256 << 20

// maxLines is how many accepted events get a line of their own in text; what was not accepted always has one.
const maxLines = 20

// Run implements the command.
func (c sendCmd) Run(ctx context.Context, g *globals, w *world) error {
	if len(c.Files) == 0 {
		c.Files = []string{"-"}
		if w.StdinTerminal {
			_, _ = fmt.Fprintln(w.Stderr, "reading events from the terminal; end with Ctrl-D")
		}
	}
	signals, origins, bad, err := readEvents(w, c.Files)
	if err != nil {
		return err
	}
	if len(signals)+len(bad) == 0 {
		return errors.New("there is no event in the input")
	}
	report, err := c.deliver(ctx, g, w, signals)
	if err != nil {
		return err
	}
	var lines []sent
	for i, r := range report.Results {
		lines = append(lines, sent{origins[i], r})
	}
	for _, b := range bad {
		r := client.Result{State: client.Refused, Code: b.Code, Detail: b.Detail}
		report.Results = append(report.Results, r)
		lines = append(lines, sent{b.origin, r})
	}
	return c.print(g, w, report, lines)
}

func (c sendCmd) deliver(ctx context.Context, g *globals, w *world, signals []client.Signal) (client.Report, error) {
	if len(signals) == 0 {
		return client.Report{}, nil // all unfit: there is nothing to reach anyone for
	}
	r, err := g.reach(ctx, w)
	if err != nil {
		return client.Report{}, err
	}
	p := w.progress(g)
	defer p.end()
	cfg := client.Config{Parallel: c.Parallel, Progress: func(done, total int) { p.show(done, total, "events") }}
	if c.Spool != "" {
		if cfg.Spool, err = client.OpenSpool(c.Spool, maxSpool); err != nil {
			return client.Report{}, err
		}
	}
	cl, err := c.client(ctx, g, w, r, cfg)
	if err != nil {
		return client.Report{}, err
	}
	if c.Spool != "" {
		c.drain(ctx, w, cl)
	}
	report, err := cl.Send(ctx, signals...)
	if c.Spool != "" && err != nil {
		_, _ = fmt.Fprintln(w.Stderr, line(err.Error()))
	}
	if len(report.Results) == 0 {
		return report, err
	}
	return report, nil // what was not accepted stands in it
}

// drain sends what an earlier run left. What goes wrong with it is said, and is no reason not to send the new.
func (c sendCmd) drain(ctx context.Context, w *world, cl *client.Client) {
	left, err := cl.Drain(ctx)
	if len(left.Results) > 0 {
		_, _ = fmt.Fprintln(w.Stderr, "from an earlier run: "+totals(left, c.Via))
	}
	if err != nil {
		_, _ = fmt.Fprintln(w.Stderr, "from an earlier run: "+line(err.Error()))
	}
}

func (c sendCmd) print(g *globals, w *world, report client.Report, lines []sent) error {
	failed := len(lines) - report.Count(client.Accepted)
	hint := tooOld(report.Results, c.Input)
	if g.JSON {
		doc := struct {
			Accepted int    `json:"accepted"`
			Refused  int    `json:"refused"`
			Open     int    `json:"open"`
			Requests int    `json:"requests"`
			Hedged   int    `json:"hedged"`
			Hint     string `json:"hint,omitempty"`
			Results  []sent `json:"results"`
		}{report.Count(client.Accepted), report.Count(client.Refused), report.Count(client.Open), report.Requests, report.Hedged, hint, lines}
		if err := printJSON(w.Stdout, doc); err != nil || failed == 0 {
			return err
		}
		return fail(exitNotAccepted, errSilent)
	}
	t := newTable(w.Stdout)
	for _, l := range lines {
		switch {
		case l.State != client.Accepted:
			t.row(string(l.State), l.File+":"+strconv.Itoa(l.N), line(l.ID), string(l.Code)+": "+line(l.Detail))
		case len(lines) <= maxLines:
			t.row(c.verb(), l.Region, line(l.ID), c.copies(l.Copies), "trace "+l.Key)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w.Stdout, totals(report, c.Via))
	if hint != "" {
		_, _ = fmt.Fprintln(w.Stdout, hint)
	}
	if failed > 0 {
		return fail(exitNotAccepted, fmt.Errorf("%d of %d events were not accepted", failed, len(lines)))
	}
	return nil
}

func (c sendCmd) verb() string {
	if c.Via == "sqs" {
		return "queued"
	}
	return string(client.Accepted)
}

func (c sendCmd) copies(n int) string {
	if c.Via == "sqs" {
		return loop.QueueInbox
	}
	if n == 1 {
		return "1 copy"
	}
	return strconv.Itoa(n) + " copies"
}
