package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/queue"
)

type redriveCmd struct {
	Queue  string `arg:"" enum:"signals,actions,inbox,archive" help:"signals, actions, inbox or archive: the queue to move its dead letters back to."`
	Rate   int    `default:"50" placeholder:"N" help:"Messages a second, in each region."`
	Renew  bool   `help:"Accept them anew: expiry, silences and budgets count from now. Audited."`
	Why    string `placeholder:"TEXT" help:"For the audit trail of --renew."`
	DryRun bool   `help:"Count, and show why the first ones are there."`
}

// Help implements kong.HelpProvider.
func (redriveCmd) Help() string {
	return `Repair first what they failed of; see why with --dry-run. SQS moves the messages by itself where it can, and goes on
if this command is interrupted; run again, it shows how far that is. Elsewhere, and with --renew, they are received,
sent and deleted here. Interrupting or repeating that doubles messages, not effects: these collapse by their ids, and
what is done stays done. A quarantined signal runs only the rule that failed on it. What was quarantined while the
others were moved may be moved twice.

A message keeps its acceptedAt, so that an effect past its expire_after ends as expired. --renew gives it a new one,
and extends the claims of effects that nobody works on; parked ones are for 'unbroken parked retry'. It refuses what
was accepted more than 18 days ago, because the claims that would tell whether it was done may be gone by now. Dead
letters of inbox are accepted anew in any case; those of archive keep their hour, and what is archived twice is there twice.

Exits 1 if messages had to be left, 4 if a region cannot be reached.

  unbroken redrive signals --dry-run
  unbroken redrive signals --region us-east-2 --rate 20
  unbroken redrive actions --renew --why "the hook was down for a day"
  unbroken redrive archive`
}

// redriven is what became of one region's dead letters.
type redriven struct {
	Region string   `json:"region"`
	Found  int      `json:"found"`
	Moved  int      `json:"moved"`
	Left   int      `json:"left"`
	How    string   `json:"how,omitempty"` // sqs | here
	Kept   []string `json:"kept,omitempty"`
	Sample []letter `json:"sample,omitempty"`
	Error  string   `json:"error,omitempty"`
	err    error
}

// maxKept is how many reasons for leaving a message are shown.
const maxKept = 20

func (r *redriven) keep(why string) {
	if len(r.Kept) < maxKept && !slices.Contains(r.Kept, why) {
		r.Kept = append(r.Kept, why)
	}
}

// Run implements the command.
func (c redriveCmd) Run(ctx context.Context, g *globals, w *world) error {
	switch {
	case c.Rate < 1 || c.Rate > queue.MaxMoveRate:
		return fail(exitUsage, fmt.Errorf("--rate is %d: SQS moves 1 to %d a second", c.Rate, queue.MaxMoveRate))
	case c.Renew && c.Queue == loop.QueueInbox:
		return fail(exitUsage, errors.New("what is redriven to inbox is accepted anew in any case: leave --renew out"))
	case c.Renew && c.Queue == loop.QueueArchive:
		return fail(exitUsage, errors.New("an archive says when signals were accepted: leave --renew out"))
	}
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	if c.Queue == loop.QueueArchive && !r.cfg.Archives() {
		return fail(exitUsage, errors.New("no input is archived: there is no such queue"))
	}
	m := &mover{redriveCmd: c, reach: r, w: w, who: r.Who(ctx)}
	regions := g.regions(r.cfg)
	all := make([]redriven, len(regions))
	for i, region := range regions {
		all[i] = m.region(ctx, g, region)
		if all[i].err != nil {
			all[i].Error = short(all[i].err)
		}
	}
	return c.print(g, w, all)
}

func (c redriveCmd) print(g *globals, w *world, all []redriven) error {
	code := exitOK
	for _, r := range all {
		if r.err != nil {
			code = exitUnreachable
		} else if len(r.Kept) > 0 {
			code = max(code, exitProblem)
		}
	}
	if g.JSON {
		if err := printJSON(w.Stdout, map[string]any{"queue": c.Queue, "renew": c.Renew, "dryRun": c.DryRun, "regions": all}); err != nil {
			return err
		}
	} else {
		t := newTable(w.Stdout)
		t.row("REGION", "FOUND", "MOVED", "LEFT", "")
		for _, r := range all {
			t.row(r.Region, fmt.Sprint(r.Found), fmt.Sprint(r.Moved), fmt.Sprint(r.Left), line(r.Error))
		}
		if err := t.Flush(); err != nil {
			return err
		}
		for _, r := range all {
			for _, s := range r.Sample {
				_, _ = fmt.Fprintf(w.Stdout, "  %s: %s\n", r.Region, line(s.String()))
			}
			for _, k := range r.Kept {
				_, _ = fmt.Fprintf(w.Stdout, "  %s: left: %s\n", r.Region, line(k))
			}
		}
	}
	if code != exitOK {
		return fail(code, errSilent)
	}
	return nil
}
