package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/sweep"
)

// parkedCmd is for effects that only a person can decide about.
type parkedCmd struct {
	List    parkedListCmd    `cmd:"" help:"List parked effects: which, since when, and why."`
	Show    parkedShowCmd    `cmd:"" help:"Show one claim whole: request, evidence, and what people did to it."`
	Retry   parkedRetryCmd   `cmd:"" help:"Hand parked effects back to act, to be sent once more."`
	Discard parkedDiscardCmd `cmd:"" help:"End parked effects without sending them."`
}

// which says what parked effects a command is about.
type which struct {
	Rule   string  `placeholder:"RULE" help:"Only effects of this rule."`
	Action string  `placeholder:"ACTION" help:"Only effects of this action."`
	Rate   float64 `default:"200" placeholder:"UNITS" help:"Capacity units a second that the scan may use."`
	Scan   int     `default:"200000" placeholder:"N" help:"Stop after looking at this many records."`
}

const scanHelp = `All of the table claims is looked at, at --rate units a second: 1 GB is 131,000 units, about 2 cents.`

// scanResult is the parked effects of a scan, oldest first.
type scanResult struct {
	Parked  []parkedEffect `json:"parked"`
	Count   int            `json:"count"`
	Oldest  time.Time      `json:"oldest,omitzero"`
	Scanned int            `json:"scanned"`
	Units   float64        `json:"units"`
	Whole   bool           `json:"whole"` // false where --scan ended it
	Region  string         `json:"region"`
}

// parkedEffect is a parked claim in a list.
type parkedEffect struct {
	ID       string    `json:"effectID"`
	Rule     string    `json:"rule"`
	Key      string    `json:"key"`
	Phase    string    `json:"phase"`
	Step     string    `json:"step"`
	Action   string    `json:"action"`
	Class    string    `json:"class"`
	ParkedAt time.Time `json:"parkedAt"`
	Attempt  int       `json:"attempt"`
	Evidence string    `json:"evidence"`
	claim    loop.Claim
}

func asParked(c loop.Claim) parkedEffect {
	e := c.Effect
	return parkedEffect{
		ID: c.EffectID, Rule: e.RuleID, Key: e.Key, Phase: string(e.Phase), Step: e.Step, Action: e.Action, Class: string(e.Class),
		ParkedAt: c.UpdatedAt, Attempt: c.Attempt, Evidence: c.Evidence, claim: c,
	}
}

const (
	parkedSegments = 4
	parkedPage     = 1000
)

// parked scans the claims in the first region that answers: all of them see the same.
func (r *reach) parked(ctx context.Context, g *globals, w *world, c which) (scanResult, error) {
	if c.Rate <= 0 || c.Scan <= 0 {
		return scanResult{}, fail(exitUsage, errors.New("--rate and --scan must be positive"))
	}
	var errs []error
	for _, region := range g.regions(r.cfg) {
		f, err := r.parkedIn(ctx, g, w, region, c)
		if err == nil {
			return f, nil
		}
		if ctx.Err() != nil {
			return scanResult{}, ctx.Err()
		}
		errs = append(errs, fmt.Errorf("%s: %w", region, err))
	}
	return scanResult{}, fail(exitUnreachable, fmt.Errorf("the claims cannot be read: %w", errors.Join(errs...)))
}

func (r *reach) parkedIn(ctx context.Context, g *globals, w *world, region string, c which) (scanResult, error) {
	f := scanResult{Parked: []parkedEffect{}, Region: region, Whole: true}
	line := w.progress(g)
	defer line.end()
	for segment := range parkedSegments {
		q := sweep.Query{Segment: segment, Segments: parkedSegments, Limit: parkedPage, Status: loop.StatusParked}
		for {
			if f.Scanned >= c.Scan {
				f.Whole = false
				return f.sorted(), nil
			}
			page, err := r.scan(ctx, region, q)
			if err != nil {
				return f, err
			}
			f.Scanned, f.Units = f.Scanned+page.Scanned, f.Units+page.Units
			for _, one := range page.Claims {
				if (c.Rule == "" || c.Rule == one.Effect.RuleID) && (c.Action == "" || c.Action == one.Effect.Action) {
					f.Parked = append(f.Parked, asParked(one))
				}
			}
			line.say("%s looked at, %d parked", plural(f.Scanned, "record"), len(f.Parked))
			if q.After = page.Next; q.After == "" {
				break
			}
			if err := w.Wait(ctx, time.Duration(page.Units/c.Rate*float64(time.Second))); err != nil {
				return f, err
			}
		}
	}
	return f.sorted(), nil
}

func (r *reach) scan(ctx context.Context, region string, q sweep.Query) (sweep.Page, error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	return r.Scans(region).Scan(ctx, q)
}

func (f scanResult) sorted() scanResult {
	slices.SortFunc(f.Parked, func(a, b parkedEffect) int {
		return cmp.Or(a.ParkedAt.Compare(b.ParkedAt), strings.Compare(a.ID, b.ID))
	})
	if f.Count = len(f.Parked); f.Count > 0 {
		f.Oldest = f.Parked[0].ParkedAt
	}
	return f
}

// stopped says that a scan did not see all, where it did not.
func (f scanResult) stopped() string {
	if f.Whole {
		return ""
	}
	return "; stopped there, there may be more: raise --scan"
}
