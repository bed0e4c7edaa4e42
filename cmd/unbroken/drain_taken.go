package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

// taken is nil if another region takes the signals that this one would refuse. Otherwise it says what is wrong with each.
func (r *reach) taken(ctx context.Context, g *globals, w *world, views map[string]region.View, name string, now time.Time) error {
	others := loop.Peers(r.cfg.Regions.Loop, name)
	if len(others) == 0 {
		return fail(exitProblem, fmt.Errorf("%s is the only region: drained, nobody would take signals; --force does it all the same", name))
	}
	well, why := r.well(ctx, g, w, views, others, now)
	if len(well) > 0 {
		return nil
	}
	return fail(exitProblem, errors.New(name+" is the last region that takes signals: "+strings.Join(why, "; ")+
		". Restore or mend another first; --force drains it all the same"))
}

// well are those of the regions that are meant to take signals and whose deep health says that they can; why says what is
// wrong with the others.
func (r *reach) well(ctx context.Context, g *globals, w *world, views map[string]region.View, regions []string, now time.Time) (well, why []string) {
	urls, _ := r.endpoints(ctx, g.Endpoint, regions) // one that is not known does not answer
	wrong := make([]string, len(regions))
	var group errgroup.Group
	for i, one := range regions {
		group.Go(func() error {
			if views[one].Now(now).State != region.Active {
				wrong[i] = one + " is drained"
			} else if e := health(ctx, w, urls[one]); e.Health != "ok" {
				wrong[i] = one + " is " + e.Health + " (" + e.Error + ")"
			}
			return nil
		})
	}
	_ = group.Wait() // each keeps what is wrong in its own slot
	for i, one := range regions {
		if wrong[i] == "" {
			well = append(well, one)
		} else {
			why = append(why, wrong[i])
		}
	}
	return well, why
}
