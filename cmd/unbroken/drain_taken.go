package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/region"
)

// taken is nil if another region takes the signals that this one would refuse: it is meant to, and its deep health
// says that it can. Otherwise it says what is wrong with each.
func (r *reach) taken(ctx context.Context, g *globals, w *world, views map[string]region.View, name string, now time.Time) error {
	others, urls := []string{}, map[string]string{}
	for _, one := range r.cfg.Regions.Loop {
		if one != name {
			others = append(others, one)
		}
	}
	if len(others) > 0 {
		urls, _ = r.endpoints(ctx, g.Endpoint, others) // one that is not known does not answer
	}
	why := make([]string, len(others))
	var group errgroup.Group
	for i, one := range others {
		group.Go(func() error {
			if views[one].Now(now).State != region.Active {
				why[i] = one + " is drained"
			} else if e := health(ctx, w, urls[one]); e.Health != "ok" {
				why[i] = one + " is " + e.Health + " (" + e.Error + ")"
			}
			return nil
		})
	}
	_ = group.Wait() // each keeps what is wrong in its own slot
	for _, one := range why {
		if one == "" {
			return nil
		}
	}
	if len(others) == 0 {
		return fail(exitProblem, fmt.Errorf("%s is the only region: drained, nobody would take signals; --force does it all the same", name))
	}
	return fail(exitProblem, errors.New(name+" is the last region that takes signals: "+strings.Join(why, "; ")+
		". Restore or mend another first; --force drains it all the same"))
}
