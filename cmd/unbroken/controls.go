package main

import (
	"context"
	"errors"
	"fmt"

	"example.com/unbroken/internal/loop"
)

// controls is the one record of silences and kill switches, as a region sees it: all see the same.
type controls interface {
	Load(ctx context.Context) (loop.Controls, error)
	Store(ctx context.Context, next loop.Controls) error
}

// edits is how often a command that met another one's change looks again.
const edits = 8

// controls reads the record in the first region that answers.
func (r *reach) controls(ctx context.Context, regions []string) (loop.Controls, error) {
	var errs []error
	for _, region := range regions {
		c, err := r.load(ctx, region)
		if err == nil {
			return c, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", region, err))
	}
	return loop.Controls{}, fail(exitUnreachable, fmt.Errorf("silences and kill switches cannot be read: %w", errors.Join(errs...)))
}

func (r *reach) load(ctx context.Context, region string) (loop.Controls, error) {
	one, cancel := callContext(ctx)
	defer cancel()
	return r.Controls(region).Load(one)
}

// edit changes the record: in one region after the other, until one answers. change says whether there is anything to
// write; where the answer of a write was lost, it finds its own work in the next region and has nothing left to do.
func (r *reach) edit(ctx context.Context, regions []string, change func(loop.Controls) (loop.Controls, bool, error)) (loop.Controls, error) {
	var errs []error
	for _, region := range regions {
		for range edits {
			stored, err := r.load(ctx, region)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", region, err))
				break
			}
			next, changed, err := change(stored)
			if err != nil || !changed {
				return next, err
			}
			one, cancel := callContext(ctx)
			err = r.Controls(region).Store(one, next)
			cancel()
			if err == nil {
				return next, nil
			}
			if !errors.Is(err, loop.ErrConflict) {
				errs = append(errs, fmt.Errorf("%s: %w", region, err))
				break
			}
		}
	}
	if len(errs) == 0 {
		errs = append(errs, loop.ErrConflict)
	}
	return loop.Controls{}, fail(exitUnreachable, fmt.Errorf("not known whether it was written: run the command again: %w", errors.Join(errs...)))
}
