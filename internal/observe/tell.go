package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/region"
)

// Teller sends what an observer found as signals, into the queue of every loop region that is well: the one that is ill
// must not swallow the news of it. The first gets the signal and the others its standby copies, as ingest would send it.
//
// What was told is written down after it was sent. A run that ends in between is followed by one that sends the same
// again, under the same ids.
type Teller struct {
	Queue        Queue
	StandbyDelay time.Duration
	Hears        func(typ string) bool // whether a rule matches signals of this type; the others are not sent
}

const toldSort = "v"

// tell sends what changed since the last run.
func (o *Observer) tell(ctx context.Context, found []Verdict, states map[string]region.Entry, views map[string]region.View, said verdicts) error {
	if o.Teller == nil || views == nil { // what others have bad is not known: the next run tells
		return nil
	}
	before, err := o.told(ctx)
	if err != nil {
		return fmt.Errorf("read what was told: %w", err) // the next run tells
	}
	due, after := before.changes(append(o.findings(found, states, views, said), o.gone(before)...), o.Region)
	if len(due) == 0 {
		return nil
	}
	due = slices.DeleteFunc(due, func(s loop.Signal) bool { return !o.Teller.Hears(s.Type) })
	if err := o.send(ctx, due, o.wellRegions(found, states)); err != nil {
		return err
	}
	return o.everywhere(ctx, loop.ToldKey(o.Region), toldSort, after, 0)
}

// told reads it in the nearest table that answers and does not have it in a form that cannot be read. Where all have it so,
// nothing is told: what is bad is told again.
func (o *Observer) told(ctx context.Context) (told, error) {
	var errs []error
	for _, table := range nearest(o.Region, o.Loop) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		docs, err := o.Docs.Query(ctx, table, loop.ToldKey(o.Region))
		cancel()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		raw, ok := docs[toldSort]
		var t told
		if !ok || json.Unmarshal(raw, &t) == nil {
			return t, nil
		}
	}
	if len(errs) < len(o.Loop) {
		return nil, nil
	}
	return nil, errors.Join(errs...)
}

// wellRegions are those to which this observer does not object and that are active, the nearest first; all where none
// is.
func (o *Observer) wellRegions(verdicts []Verdict, states map[string]region.Entry) (regions []string) {
	for _, name := range nearest(o.Region, o.Loop) {
		objects := slices.ContainsFunc(verdicts, func(v Verdict) bool { return v.Region == name && !v.Healthy })
		if !objects && states[name].State != region.Drained {
			regions = append(regions, name)
		}
	}
	if len(regions) == 0 {
		return nearest(o.Region, o.Loop)
	}
	return regions
}

// send puts the signals on the regions' queues; one copy is enough to have told.
func (o *Observer) send(ctx context.Context, signals []loop.Signal, regions []string) error {
	if len(signals) == 0 {
		return nil
	}
	now := o.Now().UTC()
	errs := make([]error, len(regions))
	var eg errgroup.Group
	for i, name := range regions {
		out := loop.Outgoing{Group: loop.FuncObserver}
		if i > 0 {
			out.Delay = o.Teller.StandbyDelay
		}
		items := make([]loop.Item, len(signals))
		for n, s := range signals {
			raw, err := s.MarshalJSON()
			if err != nil {
				return fmt.Errorf("encode a finding: %w", err)
			}
			items[n] = loop.Item{AcceptedAt: now, Input: loop.FuncObserver, Standby: i > 0, Signal: raw}
		}
		var err error
		if out.Body, err = loop.Encode(items...); err != nil {
			return fmt.Errorf("encode findings: %w", err)
		}
		eg.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			if err := o.Teller.Queue.Send(ctx, name, loop.QueueSignals, []loop.Outgoing{out})[0]; err != nil {
				errs[i] = fmt.Errorf("tell %s of %d findings: %w", name, len(signals), err)
			}
			return nil
		})
	}
	_ = eg.Wait() // each keeps its error in its own slot
	if slices.Contains(errs, nil) {
		return nil
	}
	return errors.Join(errs...)
}
