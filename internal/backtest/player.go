package backtest

import (
	"context"
	"slices"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// Player decides signals one by one, each with its own present: what a rule test and an explanation need. What decide
// sends back to itself comes exactly when it is due.
type Player struct {
	side *side
}

// NewPlayer starts with no state.
func NewPlayer(cfg *loop.Config) (*Player, error) {
	_, _, only, err := split(nil, cfg)
	return &Player{newSide(only)}, err
}

// Play lets the time come to now, decides r if it is not nil, and gives what was decided since the last call.
func (p *Player) Play(ctx context.Context, now time.Time, r *Record) (Outcome, []Refused, error) {
	if p.side == nil {
		return Outcome{}, nil, nil // every rule is off
	}
	out, err := p.side.decide(ctx, open(), taken{}, now)
	if err != nil || r == nil {
		return out, nil, err
	}
	b := &batch{records: []Record{*r}}
	found, matched := items(p.side.set, b.events())
	more, err := p.side.decide(ctx, open(), found, now)
	more.Matched = matched
	return join(out, more), b.refused, err
}

// Window is the state of one key of a rule.
type Window struct {
	Entries []decide.Entry // in order of event time
	Episode decide.Episode
}

// Window gives the state of a key as it is now.
func (p *Player) Window(ruleID, key string) Window {
	if p.side == nil {
		return Window{}
	}
	k := p.side.state.of(decide.Ref{RuleID: ruleID, Key: key})
	return Window{slices.Clone(k.entries), k.episode}
}

// open is the turn of whoever is alone.
func open() turn {
	before := make(chan struct{})
	close(before)
	return turn{before: before}
}
