package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"example.com/unbroken/internal/sweep"
)

type balanceCmd struct {
	Since time.Duration `default:"24h" help:"How far back the ledger is read, 7 days at most."`
	After time.Duration `default:"30m" help:"How old an accepted signal must be to be owed an end."`
}

// Help implements kong.HelpProvider.
func (balanceCmd) Help() string {
	return `Two books are shown. The sweeper of each region passes over all claims once a day and reports what is overdue: claimed and
abandoned, or decided and never sent. The ledger has 1 % of the signals, the same ones in every region: what was
accepted is compared with what came to an end. What it finds open is looked up in claims; an effect that is still
tried within its expire_after, or parked, is not missing. Books of a region that does not answer are read in another.

Exits 1 if something is overdue or missing or nobody has swept for two days, 4 if no region answers. What to do then:
'unbroken trace KEY' tells a signal's story; 'unbroken parked retry EFFECT' gives an abandoned effect a new message.

  unbroken balance
  unbroken balance --since 72h --json`
}

// balance is both books.
type balance struct {
	Sweeps   []sweep.Pass `json:"sweeps"`
	Ledger   booksResult  `json:"ledger"`
	Problems []string     `json:"problems"`
	Missing  []string     `json:"unread,omitempty"` // what could not be read
}

// staleSweep is from when on a report is too old: a pass a day, and a day to be late.
const staleSweep = 48 * time.Hour

// Run implements the command.
func (c balanceCmd) Run(ctx context.Context, g *globals, w *world) error {
	if c.Since <= 0 || c.Since > 7*24*time.Hour || c.After < 0 || c.After >= c.Since {
		return fail(exitUsage, errors.New("--since must be within 7 days, and longer than --after"))
	}
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	b := balance{Problems: []string{}, Sweeps: []sweep.Pass{}}
	regions := g.regions(r.cfg)
	if !r.sweeps(ctx, regions, w.Now(), &b) {
		return fail(exitUnreachable, fmt.Errorf("no region's books can be read: %s", b.Missing[0]))
	}
	if err := r.books(ctx, g, w, c, regions, &b); err != nil {
		return err
	}
	if g.JSON {
		err = printJSON(w.Stdout, b)
	} else {
		err = b.print(w)
	}
	if err == nil && len(b.Problems) > 0 {
		err = fail(exitProblem, errSilent)
	}
	return err
}

// sweeps reads the newest report of every region's sweeper; false where nobody answers at all.
func (r *reach) sweeps(ctx context.Context, regions []string, now time.Time, b *balance) (answered bool) {
	fresh := false
	for _, region := range regions {
		notes, err := r.docsOf(ctx, region, sweep.Name(region))
		if err != nil {
			b.Missing = append(b.Missing, "sweep of "+region+": "+short(err))
			continue
		}
		answered = true
		raw, ok := notes[sweep.Report]
		if !ok {
			b.Missing = append(b.Missing, "sweep of "+region+": none has ended yet")
			continue
		}
		var p sweep.Pass
		if json.Unmarshal(raw, &p) != nil || p.Ended.IsZero() {
			b.Missing = append(b.Missing, "sweep of "+region+" cannot be read")
			continue
		}
		fresh = fresh || now.Sub(p.Ended) < staleSweep
		b.Sweeps = append(b.Sweeps, p)
		if p.OverdueCount > 0 {
			b.Problems = append(b.Problems, fmt.Sprintf("%s: %d overdue", region, p.OverdueCount))
		}
	}
	if answered && !fresh {
		b.Problems = append(b.Problems, "no sweep has ended within "+staleSweep.String()+": is the sweeper's schedule on?")
	}
	return answered
}

func (b balance) print(w *world) error {
	t := newTable(w.Stdout)
	t.row("SWEEP", "ENDED", "SCANNED", "DELETED", "PARKED", "OVERDUE")
	for _, p := range b.Sweeps {
		t.row(p.Region, age(w.Now(), p.Ended), fmt.Sprint(p.Scanned), fmt.Sprint(p.Deleted), fmt.Sprint(p.Parked), fmt.Sprint(p.OverdueCount))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, p := range b.Sweeps {
		for _, o := range p.Overdue {
			_, _ = fmt.Fprintf(w.Stdout, "  overdue %s %s of rule %s, since %s: %s\n", o.Kind, o.ID, line(o.Rule), age(w.Now(), o.Due), line(o.Evidence))
		}
	}
	l := b.Ledger
	_, _ = fmt.Fprintf(w.Stdout, "ledger of the last %s: %d sampled, %s, %d still tried or parked, %d missing (%d too young to tell)\n",
		l.Since, l.Accepted, plural(l.Effects, "effect"), len(l.Open), len(l.Lost), l.Young)
	for _, o := range l.Lost {
		_, _ = fmt.Fprintf(w.Stdout, "  missing %s, accepted %s: %s\n", o.what(), age(w.Now(), o.AcceptedAt), line(o.State))
	}
	for _, m := range b.Missing {
		_, _ = fmt.Fprintf(w.Stdout, "not read: %s\n", line(m))
	}
	if len(b.Problems) == 0 {
		_, _ = fmt.Fprintln(w.Stdout, "the books balance")
	}
	for _, p := range b.Problems {
		_, _ = fmt.Fprintf(w.Stdout, "problem: %s\n", line(p))
	}
	return nil
}
