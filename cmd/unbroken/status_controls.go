package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// stopped are the kill switches that are on. All regions are asked at once, and see the same: the first that answers
// will do, and that a region does not answer is told elsewhere.
func (r *reach) stopped(ctx context.Context, regions []string) []loop.Kill {
	answers := make([][]loop.Kill, len(regions))
	var group errgroup.Group
	for i, region := range regions {
		group.Go(func() error {
			if c, err := r.load(ctx, region); err == nil {
				answers[i] = append([]loop.Kill{}, c.Kills...)
			}
			return nil
		})
	}
	_ = group.Wait() // what could not be asked has left no answer
	if i := slices.IndexFunc(answers, func(kills []loop.Kill) bool { return kills != nil }); i >= 0 {
		return answers[i]
	}
	return nil
}

// killed says what is stopped: a switch that everybody forgot is an outage that nobody sees.
func killed(kills []loop.Kill, now time.Time) (lines []string) {
	for _, k := range kills {
		lines = append(lines, fmt.Sprintf("%s stopped by %s, %s: %s; unbroken revive when it is mended", said(k.Scope), line(k.By), age(now, k.At), line(k.Reason)))
	}
	return lines
}
