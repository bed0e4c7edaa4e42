package main

import (
	"context"
	"fmt"
	"time"

	"example.com/unbroken/internal/region"
)

// again reads the states once more, right before an order is written: health takes seconds to answer, Route 53 up to
// 20. Whoever ordered something meanwhile means it, and an order that knows nothing of it does not end it. What cannot
// be read is as it was: an order needs no table that answers.
func (r *reach) again(ctx context.Context, w *world, name string, views map[string]region.View) (map[string]region.View, time.Time, error) {
	newer, _ := r.states(ctx) // see above
	now, all := w.Now().UTC(), region.Merge(views, newer)
	last := all[name].Order(now)
	if meanwhile := last.Since.After(views[name].Order(now).Since); views != nil && meanwhile { // without views nobody can tell what is new
		return nil, now, fail(exitProblem, fmt.Errorf("%s ordered %s of %s meanwhile (%s): look, and run it again", line(last.By), line(string(last.Order)), name, line(last.Why)))
	}
	return all, now, nil
}
