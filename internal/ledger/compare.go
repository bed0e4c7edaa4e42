package ledger

import (
	"cmp"
	"slices"
	"time"
)

// Books are a comparison of what was accepted with what became of it.
type Books struct {
	Accepted int    `json:"accepted"` // sampled signals that are old enough to have ended
	Young    int    `json:"young"`    // those that are not
	Effects  int    `json:"effects"`  // that followed from the old ones
	Open     []Open `json:"open"`     // what has not come to an end, oldest first
}

// Open is a signal that decide is not through with (Effect is ""), or an effect without an end.
type Open struct {
	Signal     string    `json:"signalKey"`
	Effect     string    `json:"effectID,omitempty"`
	AcceptedAt time.Time `json:"acceptedAt"`
}

// Compare merges the entries of all regions. What was accepted at or after the moment `settled` is left out: it may
// be on its way still.
func Compare(entries []Entry, settled time.Time) Books {
	type account struct {
		accepted time.Time
		through  bool
		effects  map[string]bool // ended or not
	}
	accounts := map[string]*account{}
	of := func(signal string) *account {
		a := accounts[signal]
		if a == nil {
			a = &account{effects: map[string]bool{}}
			accounts[signal] = a
		}
		return a
	}
	for _, e := range entries {
		switch a := of(e.Signal); e.Kind {
		case Accepted:
			if a.accepted.IsZero() || e.At.Before(a.accepted) {
				a.accepted = e.At
			}
		case Through:
			a.through = true
		case Decided:
			for _, id := range e.Effects {
				if !a.effects[id] {
					a.effects[id] = false // known, and open until its end is found
				}
			}
		case Ended:
			a.effects[e.Effect] = true
		}
	}
	b := Books{Open: []Open{}}
	for signal, a := range accounts {
		switch {
		case a.accepted.IsZero(): // one of the loop's own, or accepted before the time that was read
			continue
		case !a.accepted.Before(settled):
			b.Young++
			continue
		}
		b.Accepted++
		b.Effects += len(a.effects)
		if !a.through {
			b.Open = append(b.Open, Open{Signal: signal, AcceptedAt: a.accepted})
		}
		for id, ended := range a.effects {
			if !ended {
				b.Open = append(b.Open, Open{Signal: signal, Effect: id, AcceptedAt: a.accepted})
			}
		}
	}
	slices.SortFunc(b.Open, func(x, y Open) int {
		return cmp.Or(x.AcceptedAt.Compare(y.AcceptedAt), cmp.Compare(x.Signal, y.Signal), cmp.Compare(x.Effect, y.Effect))
	})
	return b
}
