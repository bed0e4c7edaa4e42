package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

// everywhere writes the order into every table, all at once.
func (r *reach) everywhere(ctx context.Context, name string, e region.Entry) ordered {
	tables := r.cfg.Regions.Loop
	out := ordered{Region: name, Entry: e, Failed: map[string]string{}, Unaudited: map[string]string{}}
	errs, unaudited := make([]error, len(tables)), make([]error, len(tables))
	var group errgroup.Group
	for i, table := range tables {
		group.Go(func() error {
			errs[i], unaudited[i] = r.write(ctx, table, name, e)
			return nil
		})
	}
	_ = group.Wait() // each keeps its errors in its own slots
	for i, table := range tables {
		switch {
		case errs[i] != nil:
			out.Failed[table] = short(errs[i])
			continue
		case unaudited[i] != nil:
			out.Unaudited[table] = short(unaudited[i])
		}
		out.Written = append(out.Written, table)
	}
	return out
}

// write puts the order into a region's table under that table's own name, and beside it who gave it and why. The order
// counts without that.
func (r *reach) write(ctx context.Context, table, name string, e region.Entry) (err, unaudited error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	if err := r.Docs.Put(ctx, table, region.StateKey(name), region.OperatorKey(table), e, 0); err != nil {
		return err, nil
	}
	what := map[string]any{"at": e.Since, "by": e.By, "why": e.Why, "what": string(e.Order) + " " + name, "controlPlane": e.ControlPlane}
	return nil, r.Docs.Put(ctx, table, "audit#"+table, loop.TimeKey(e.Since), what, auditKeep)
}

// states are those that the tables which answer tell of, brought together: an order may have reached one only.
func (r *reach) states(ctx context.Context) (map[string]region.View, error) {
	return r.read(ctx, r.cfg.Regions.Loop, r.operator())
}

// operator says whether only people drain: then what observers say and wrote is left out.
func (r *reach) operator() bool { return r.cfg.Health.Drain == loop.DrainOperator }

func (r *reach) read(ctx context.Context, tables []string, operator bool) (map[string]region.View, error) {
	ctx, cancel := callContext(ctx)
	defer cancel()
	found, errs := make([]map[string]region.View, len(tables)), make([]error, len(tables))
	reader := region.Reader{Docs: r.Docs, Loop: r.cfg.Regions.Loop, Observers: r.cfg.Regions.All(), Operator: operator}
	var group errgroup.Group
	for i, table := range tables {
		group.Go(func() error {
			found[i], errs[i] = reader.Views(ctx, table)
			return nil
		})
	}
	_ = group.Wait() // each keeps its error in its own slot
	merged := region.Merge(found...)
	if len(merged) == 0 {
		return nil, fail(exitUnreachable, fmt.Errorf("the states of regions cannot be read: %w", errors.Join(errs...)))
	}
	return merged, nil
}
