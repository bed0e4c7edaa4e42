package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// maxEffects bounds the claims read. A rule with a hundred steps has a hundred effects for one signal.
const maxEffects = 200

// claimed reads the claims of effects. Those that a log names are told of even without a claim; those that a rule
// might have had are told of only with one. answered is false where no region's claims could be read.
func (r *reach) claimed(ctx context.Context, regions []string, logged, possible []traceEffect, t *trace) (answered bool) {
	named := len(logged)
	all := logged
	for _, p := range possible {
		if i := slices.IndexFunc(logged, func(e traceEffect) bool { return e.ID == p.ID }); i >= 0 {
			all[i].Step = p.Step
		} else {
			all = append(all, p)
		}
	}
	if len(all) > maxEffects {
		t.Missing = append(t.Missing, fmt.Sprintf("claims: %d effects, only %d were looked at", len(all), maxEffects))
		all = all[:maxEffects]
		named = min(named, maxEffects)
	}
	stored := make([]loop.Claim, len(all))
	errs := make([]error, len(all))
	var group errgroup.Group
	group.SetLimit(16)
	for i, e := range all {
		group.Go(func() error {
			stored[i], errs[i] = r.claim(ctx, regions, e.ID)
			return nil
		})
	}
	_ = group.Wait()
	for i, e := range all {
		switch {
		case errs[i] == nil:
			answered = true
			t.add(e, stored[i])
		case errors.Is(errs[i], loop.ErrNotFound):
			answered = true
			if i < named {
				t.Effects = append(t.Effects, e)
			}
		default:
			t.Missing = append(t.Missing, "claim "+e.ID+": "+short(errs[i]))
			if i < named {
				t.Effects = append(t.Effects, e)
			}
		}
	}
	slices.SortStableFunc(t.Events, func(a, b traceEvent) int { return a.At.Compare(b.At) })
	return answered
}

// claim asks the regions in turn: all see the same, so the first answer is the answer.
func (r *reach) claim(ctx context.Context, regions []string, id string) (loop.Claim, error) {
	var errs []error
	for _, region := range regions {
		one, cancel := callContext(ctx)
		c, err := r.Claims(region).Get(one, id)
		cancel()
		if err == nil || errors.Is(err, loop.ErrNotFound) {
			return c, err
		}
		errs = append(errs, err)
	}
	return loop.Claim{}, errors.Join(errs...)
}

func (t *trace) add(e traceEffect, c loop.Claim) {
	e.Rule, e.Step = cmp.Or(c.Effect.RuleID, e.Rule), cmp.Or(c.Effect.Step, e.Step)
	e.Status, e.Attempt, e.Evidence, e.UpdatedAt = c.Status, c.Attempt, c.Evidence, c.UpdatedAt
	e.Why, e.claim = c.Effect.Why, c
	t.Effects = append(t.Effects, e)
	region, _, _ := strings.Cut(c.Owner, "/") // an owner is region/invocation
	detail := string(c.Status)
	if c.Attempt > 0 {
		detail += ", after " + plural(c.Attempt, "failed attempt")
	}
	if c.Evidence != "" {
		detail += ": " + c.Evidence
	}
	t.Events = append(t.Events, traceEvent{At: c.UpdatedAt, Region: region, What: "claim", Rule: e.Rule, Effect: e.ID, Detail: detail})
}
