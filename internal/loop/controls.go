package loop

import (
	"slices"
	"time"
)

// Controls is what people told the loop to leave undone: silences and kill switches. It is one record, so that one
// small read tells act everything (docs/decisions/0004). Rev counts its writes; 0 where nothing is stored.
type Controls struct {
	Rev      int64     `json:"rev"`
	Kills    []Kill    `json:"kills,omitempty"`
	Silences []Silence `json:"silences,omitempty"`
	Log      []Audit   `json:"log,omitempty"` // the last changes, oldest first
}

// ControlsAge is how old the controls may be that act goes by. Every change is in force everywhere after it.
const ControlsAge = time.Second

// ScopeAll is the kill switch over all rules; every other scope is a rule's id, which cannot be written like this.
const ScopeAll = "*"

// Kill stops a rule, or all, from sending anything. It counts from when it is known, whatever an effect's age is.
type Kill struct {
	Scope  string    `json:"scope"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Killed finds the switch that stops the rule's effects.
func (c Controls) Killed(ruleID string) (Kill, bool) {
	for _, k := range c.Kills {
		if k.Scope == ScopeAll || k.Scope == ruleID {
			return k, true
		}
	}
	return Kill{}, false
}

// WithKill is c with the switch on. One that is on already stays as it is: who was first is what people ask for.
func (c Controls) WithKill(k Kill) (next Controls, changed bool) {
	if slices.ContainsFunc(c.Kills, func(have Kill) bool { return have.Scope == k.Scope }) {
		return c, false
	}
	k.By, k.Reason, k.At = cut(k.By), cut(k.Reason), k.At.UTC()
	c.Kills = append(slices.Clone(c.Kills), k)
	c.Log = noted(c.Log, Audit{At: k.At.UTC(), By: k.By, What: "kill " + k.Scope + ": " + k.Reason})
	return c, true
}

// WithoutKill is c with the scope's switch off. A switch over all rules is not touched by reviving one.
func (c Controls) WithoutKill(scope string, now time.Time, by, why string) (next Controls, changed bool) {
	left := slices.DeleteFunc(slices.Clone(c.Kills), func(k Kill) bool { return k.Scope == scope })
	if len(left) == len(c.Kills) {
		return c, false
	}
	c.Kills = left
	c.Log = noted(c.Log, Audit{At: now.UTC(), By: by, What: "revive " + scope + ": " + why})
	return c, true
}
