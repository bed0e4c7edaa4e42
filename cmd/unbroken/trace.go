package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"example.com/unbroken/internal/loop"
)

type traceCmd struct {
	ID     string        `arg:"" help:"The signal's id, with --source; or its key, 64 hex digits, as send prints it."`
	Source string        `placeholder:"SOURCE" help:"The signal's source: source and id make it unique."`
	Since  time.Duration `default:"24h" help:"How far back the logs are searched."`
}

// Help implements kong.HelpProvider.
func (traceCmd) Help() string {
	return `The functions' logs in every region are searched for the signal's key, and the claims of its effects are read: from the
lines found, and of every stateless rule of loop.yaml, whose effects' ids follow from the signal alone. The claims
are the truth, the logs are the story; logs arrive seconds to minutes late; ` + "`unbroken explain`" + ` says why at length.
Exits 1 if nothing is known of the signal, 4 if no region answers.

  unbroken trace deploy-17 --source ci/checkout
  unbroken trace 5f1c9f… --since 1h
  unbroken trace deploy-17 --source ci/checkout --json`
}

// trace is what is known of one signal.
type trace struct {
	Key     string        `json:"signalKey"`
	Events  []traceEvent  `json:"events"`
	Effects []traceEffect `json:"effects"`
	State   string        `json:"state"` // terminal | open | unknown
	Summary string        `json:"summary"`
	Missing []string      `json:"missing,omitempty"` // what could not be asked, or not to the end
}

// traceEvent is one line of the story.
type traceEvent struct {
	At      time.Time `json:"at"`
	Region  string    `json:"region"`
	What    string    `json:"what"`
	Rule    string    `json:"rule,omitempty"`
	Effect  string    `json:"effect,omitempty"`
	Standby bool      `json:"standby,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// traceEffect is one effect as its claim has it.
type traceEffect struct {
	ID        string      `json:"id"`
	Rule      string      `json:"rule,omitempty"`
	Step      string      `json:"step,omitempty"`
	Status    loop.Status `json:"status,omitempty"` // "" where there is no claim
	Attempt   int         `json:"attempt"`
	Evidence  string      `json:"evidence,omitempty"`
	UpdatedAt time.Time   `json:"updatedAt,omitzero"`
	Why       *loop.Why   `json:"why,omitempty"`

	claim loop.Claim // as it is stored; see explain
}

var keyForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (c traceCmd) key() (string, error) {
	switch {
	case c.Source != "":
		return loop.SignalKey(c.Source, c.ID), nil
	case keyForm.MatchString(c.ID):
		return c.ID, nil
	}
	return "", fail(exitUsage, fmt.Errorf("%q alone does not identify a signal: add --source, or give the key that send printed", c.ID))
}

// Run implements the command.
func (c traceCmd) Run(ctx context.Context, g *globals, w *world) error {
	key, err := c.key()
	if err != nil {
		return err
	}
	if c.Since <= 0 {
		return fail(exitUsage, errors.New("--since must be positive, like 2h"))
	}
	r, err := g.reach(ctx, w)
	if err != nil {
		return err
	}
	t, err := r.trace(ctx, g.regions(r.cfg), key, w.Now().Add(-c.Since))
	if err := t.print(g, w); err != nil {
		return err
	}
	switch {
	case err != nil:
		return err
	case t.State == stateUnknown:
		return fail(exitProblem, errSilent)
	}
	return nil
}

// trace gathers what logs and claims know of a signal.
func (r *reach) trace(ctx context.Context, regions []string, key string, since time.Time) (*trace, error) {
	t := &trace{Key: key, Events: []traceEvent{}, Effects: []traceEffect{}}
	found, answered := r.search(ctx, regions, key, since, t)
	for _, l := range found {
		t.Events = append(t.Events, l.event())
	}
	claimsAnswered := r.claimed(ctx, regions, effectsOf(found), stateless(r.cfg, key), t)
	t.conclude(found)
	if !answered && !claimsAnswered {
		return t, fail(exitUnreachable, errors.New("neither logs nor claims could be read in any region"))
	}
	return t, nil
}

// stateless are the effects that the rules without state would have for the signal, by id: they need no log.
func stateless(cfg *loop.Config, signalKey string) []traceEffect {
	var list []traceEffect
	for _, r := range cfg.Rules {
		if r.Stateful() || r.Group != nil {
			continue
		}
		for _, s := range r.Do {
			step := cmp.Or(s.Step, s.Action)
			list = append(list, traceEffect{
				ID: loop.EffectID(loop.SignalDecisionID(signalKey, r.ID), step), Rule: r.ID, Step: step,
			})
		}
	}
	return list
}
