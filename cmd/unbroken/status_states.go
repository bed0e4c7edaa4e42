package main

import (
	"cmp"
	"context"
	"time"

	"example.com/unbroken/internal/region"
)

// regionState is what a region is meant to do with new signals, and who wanted it so.
type regionState struct {
	Region string `json:"region"`
	region.Entry
	Objections int `json:"objections"` // fresh verdicts against it
}

// statesOf is empty where no table answers: the tables themselves say so then.
func (r *reach) statesOf(ctx context.Context, regions []string, now time.Time) (list []regionState) {
	views, err := r.states(ctx)
	if err != nil {
		return nil
	}
	for _, name := range regions {
		one := regionState{name, views[name].Now(now), views[name].Objections(now)}
		one.ControlPlane = views[name].Order(now).ControlPlane // though observers flipped it since
		list = append(list, one)
	}
	return list
}

// drained tells of what does not take signals, of what observers may not touch, and of what DNS does not answer.
func drained(states []regionState, now time.Time) (list []string) {
	for _, s := range states {
		switch {
		case s.Order == region.Freeze:
			list = append(list, s.Region+" is frozen "+string(s.State)+", by "+line(s.By)+" "+age(now, s.Since)+": "+line(s.Why))
		case s.State == region.Drained:
			list = append(list, s.Region+" is drained, by "+line(s.By)+" "+age(now, s.Since)+": "+line(s.Why))
		}
		if s.ControlPlane != "" {
			list = append(list, s.Region+" is left out of DNS by the control plane, until unbroken restore "+s.Region+" --control-plane "+line(s.ControlPlane))
		}
	}
	return list
}

func (s *status) stateRows() [][]string {
	rows := [][]string{{"REGION", "STATE", "SINCE", "BY", "WHY"}}
	for _, one := range s.States {
		since := "-"
		if !one.Since.IsZero() {
			since = age(s.At, one.Since)
		}
		rows = append(rows, []string{one.Region, string(one.State), since, cmp.Or(line(one.By), "-"), cmp.Or(clip(string(one.Order)+" "+one.Why), "-")})
	}
	return rows
}
