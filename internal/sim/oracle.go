package sim

import (
	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/loop"
)

// state is what a (signal, rule) ends in, as far as the signal alone tells.
type state int

const (
	unmatched state = iota
	decides         // a rule without state decides: effects
	fails           // quarantined
	enters          // a window entry, or too late for one
)

// want is what one rule has to make of a signal. The oracle knows the rules by their text in rulesFile and reads them
// in its own plain way; it shares no code with package decide or rule.
type want struct {
	rule  string
	state state
	steps []string // of its effects, in every version of the bundle
	extra []string // that a version may add
}

func expect(s *Planned) []want {
	value := gjson.Get(s.Data, "value").Float()
	switch s.Type {
	case typeAlert:
		hook, brief, note := want{rule: "hook"}, want{rule: "brief"}, want{rule: "note"}
		if value > 0 {
			hook = want{"hook", decides, []string{"page"}, []string{"more"}}
			note = want{"note", decides, []string{"note"}, nil}
		}
		if value > 1 {
			brief = want{"brief", decides, []string{"call"}, nil}
		}
		return []want{hook, brief, note}
	case typeOdd:
		if size := gjson.Get(s.Data, "size"); size.Type == gjson.Number {
			return []want{{"fragile", decides, []string{"note"}, nil}}
		}
		return []want{{rule: "fragile", state: fails}}
	case typeMetric:
		return []want{{rule: "burst", state: enters}}
	case typeLevel:
		if value > 8 || value < 2 {
			return []want{{rule: "level", state: enters}}
		}
		return []want{{rule: "level"}}
	}
	return nil
}

// clears says whether an entry of a stateful rule closes an episode.
func clears(s *Planned) bool {
	value := gjson.Get(s.Data, "value").Float()
	return s.Type == typeMetric && value <= 0 || s.Type == typeLevel && value < 2
}

// effects are the ids of what a rule without state decides.
func (wt want) effects(signalKey string) (must, may []string) {
	decision := loop.SignalDecisionID(signalKey, wt.rule)
	for _, step := range wt.steps {
		must = append(must, loop.EffectID(decision, step))
	}
	for _, step := range wt.extra {
		may = append(may, loop.EffectID(decision, step))
	}
	return must, may
}

// lead is the id of the effect that rule `lead` decides about a parked effect.
func lead(effectID string) string {
	signal := loop.SignalKey(loop.OwnSourcePrefix+"act", loop.OutcomeID(effectID, loop.StatusParked))
	return loop.EffectID(loop.SignalDecisionID(signal, "lead"), "lead")
}
