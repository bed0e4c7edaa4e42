package backtest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/rule"
)

// split takes apart the rules that two configurations share, which need to be asked only once: deciding is a pure
// function, and between two versions of a file most rules are the same. old is nil where there is nothing to compare.
func split(old, now *loop.Config) (shared, onlyOld, onlyNew *rule.Set, err error) {
	var same map[string]bool
	if old != nil {
		if same, err = sharedRules(old, now); err != nil {
			return nil, nil, nil, err
		}
		if onlyOld, err = subset(old, func(id string) bool { return !same[id] }); err != nil {
			return nil, nil, nil, err
		}
	}
	if shared, err = subset(now, func(id string) bool { return same[id] }); err != nil {
		return nil, nil, nil, err
	}
	onlyNew, err = subset(now, func(id string) bool { return !same[id] })
	return shared, onlyOld, onlyNew, err
}

// subset compiles some of the rules; nil where there is none.
func subset(cfg *loop.Config, keep func(id string) bool) (*rule.Set, error) {
	part := *cfg
	part.Rules = nil
	for _, r := range cfg.Rules {
		if r.Mode != loop.ModeOff && keep(r.ID) {
			part.Rules = append(part.Rules, r)
		}
	}
	if len(part.Rules) == 0 {
		return nil, nil
	}
	return rule.Compile(&part)
}

// sharedRules are those that say the same in both files, as do the actions that they name. Where anything else
// differs, none is taken for the same. An action counts as named wherever its name stands in quotes: a word too many
// costs time, one too few would be wrong.
func sharedRules(old, now *loop.Config) (map[string]bool, error) {
	a, b := *old, *now
	a.Rules, b.Rules, a.Actions, b.Actions = nil, nil, nil, nil
	if !reflect.DeepEqual(a, b) {
		return nil, nil
	}
	var touched []string
	for _, from := range []map[string]loop.Action{old.Actions, now.Actions} {
		for name := range from {
			if !reflect.DeepEqual(old.Actions[name], now.Actions[name]) {
				touched = append(touched, name)
			}
		}
	}
	for i := 0; i < len(touched); i++ { // an action may name another one
		for name, action := range now.Actions {
			if names, err := mentions(action, touched[i:i+1]); err != nil {
				return nil, err
			} else if names && !slices.Contains(touched, name) {
				touched = append(touched, name)
			}
		}
	}
	before := map[string]loop.Rule{}
	for _, r := range old.Rules {
		before[r.ID] = r
	}
	same := map[string]bool{}
	for _, r := range now.Rules {
		was, ok := before[r.ID]
		if !ok || !reflect.DeepEqual(was, r) {
			continue
		}
		names, err := mentions(r, touched)
		if err != nil {
			return nil, err
		}
		same[r.ID] = !names
	}
	// Whoever mutes another one is asked where that one is.
	for again := true; again; {
		again = false
		for _, r := range slices.Concat(old.Rules, now.Rules) {
			for _, by := range r.InhibitedBy {
				if same[r.ID] != same[by.Rule] {
					same[r.ID], same[by.Rule], again = false, false, true
				}
			}
		}
	}
	return same, nil
}

// mentions says whether one of the names stands in v.
func mentions(v any, names []string) (bool, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return false, fmt.Errorf("compare the rules: %w", err)
	}
	for _, name := range names {
		if strings.Contains(string(text), `"`+name+`"`) {
			return true, nil
		}
	}
	return false, nil
}
