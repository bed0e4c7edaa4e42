package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
)

// records are what all regions see alike, as one of them has it.
type records = observe.Records

// inputStatus is an input that is watched.
type inputStatus struct {
	Standby string `json:"standby,omitempty"`
	loop.Watched
	Error string `json:"error,omitempty"`
}

// watched asks how the inputs fare that are expected to be heard. All regions see the same: the first that answers will do.
func (r *reach) watched(ctx context.Context, regions []string) (inputs []inputStatus) {
	for _, name := range slices.Sorted(maps.Keys(r.cfg.Inputs)) {
		if in := r.cfg.Inputs[name]; in.ExpectEvery > 0 {
			inputs = append(inputs, inputStatus{Standby: in.Standby, Watched: loop.Watched{Input: name}})
		}
	}
	var group errgroup.Group
	for i := range inputs {
		group.Go(func() error {
			inputs[i].ask(ctx, r, regions)
			return nil
		})
	}
	_ = group.Wait() // what could not be asked stands in the answer
	return inputs
}

func (s *inputStatus) ask(ctx context.Context, r *reach, regions []string) {
	type answer struct {
		doc json.RawMessage
		err error
	}
	answers, key := make(chan answer, len(regions)), loop.WatchedKey(s.Input)
	ctx, cancel := callContext(ctx)
	defer cancel()
	for _, region := range regions {
		go func() {
			doc, _, err := r.Records(region).Load(ctx, key)
			answers <- answer{doc, err}
		}()
	}
	for range regions {
		a := <-answers
		if a.err == nil && a.doc != nil {
			a.err = json.Unmarshal(a.doc, &s.Watched)
		}
		if s.Error = short(a.err); a.err == nil {
			return
		}
	}
}

func (s *status) inputRows() [][]string {
	rows := [][]string{{"INPUT", "STATE", "SINCE", "STANDBY"}}
	for _, in := range s.Inputs {
		state, standby := "heard", "waits"
		switch {
		case in.Error != "":
			state, standby = "unknown: "+in.Error, "?"
		case in.Began.IsZero():
			state = "not looked at yet"
		case in.Stalled && !in.Steady.IsZero():
			state, standby = "stalled, heard again "+age(s.At, in.Steady), "active"
		case in.Stalled:
			state, standby = "stalled", "active"
		}
		if in.Standby == "" {
			standby = "-"
		} else {
			standby = in.Standby + " " + standby
		}
		rows = append(rows, []string{in.Input, state, cmp.Or(sinceOf(s.At, in), "-"), standby})
	}
	return rows
}

func sinceOf(now time.Time, in inputStatus) string {
	if in.Since.IsZero() {
		return ""
	}
	return age(now, in.Since)
}

// stalledInputs says which inputs a person should see to.
func stalledInputs(inputs []inputStatus, now time.Time) (lines []string) {
	for _, in := range inputs {
		if !in.Stalled {
			continue
		}
		instead := "and has no standby"
		if in.Standby != "" {
			instead = "and its standby " + in.Standby + " is active"
		}
		lines = append(lines, fmt.Sprintf("input %s stalled %s in %s %s", in.Input, age(now, in.Since), strings.Join(in.Silent, " and "), instead))
	}
	return lines
}
