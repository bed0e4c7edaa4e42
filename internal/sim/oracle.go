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
	joins           // a group's decision, or too late for one
)

// want is what one rule has to make of a signal. The oracle knows the rules by their text in rulesFile and reads them
// in its own plain way; it shares no code with package decide or rule.
type want struct {
	rule   string
	state  state
	steps  []string // of its effects, in every version of the bundle
	extra  []string // that a version may add
	clears bool     // its entry closes an episode
}

func expect(s *Planned) []want {
	value := gjson.Get(s.Data, "value").Float()
	does := func(rule string, when bool, steps ...string) want {
		if !when {
			return want{rule: rule}
		}
		return want{rule: rule, state: decides, steps: steps}
	}
	entry := func(rule string, counts, clears bool) want {
		if !counts {
			return want{rule: rule}
		}
		return want{rule: rule, state: enters, clears: clears}
	}
	switch s.Type {
	case typeAlert:
		hook := does("hook", value > 0, "page")
		if value > 0 {
			hook.extra = []string{"more"}
		}
		return []want{
			hook, does("brief", value > 1, "call"), does("note", value > 0, "note"), does("mark", value > 1, "mark", "dial"),
			does("wake", value > 2, "wake"),
		}
	case typeOdd:
		if size := gjson.Get(s.Data, "size"); size.Type == gjson.Number {
			return []want{does("fragile", true, "note")}
		}
		return []want{{rule: "fragile", state: fails}}
	case typeMetric:
		return []want{entry("burst", true, value <= 0)}
	case typeLevel:
		return []want{entry("level", value > 8 || value < 2, value < 2)}
	case typeGauge:
		return []want{entry("slow", true, value < 2), entry("tail", true, false), entry("held", true, value <= 3), entry("pair", value > 5, false)}
	case typeDeploy:
		return []want{entry("pair", true, false)}
	case typeBeat:
		return []want{entry("silent", true, false)}
	case typeTask:
		return []want{
			does("calm", value > 0, "task"), does("capped", value > 4, "task"), does("tuned", value > 5, "task"),
			does("ask", value == 3, "task"), does("urgent", value > 6, "task"), does(worse, value < 3, "regression"),
			{rule: "crowd", state: map[bool]state{true: joins}[value > 3]},
		}
	case typePing:
		return []want{does("ping", true, "ball")}
	}
	return nil
}

// worse stands for rule `tuned` where it only counts a signal.
const worse = "tuned, worse"

// effects are the ids of what a rule without state decides.
func (wt want) effects(signalKey string) (must, may []string) {
	if wt.state != decides {
		return nil, nil
	}
	if wt.rule == worse {
		return []string{loop.EffectID(loop.RegressionID(signalKey, "tuned"), "regression")}, nil
	}
	decision := loop.SignalDecisionID(signalKey, wt.rule)
	for _, step := range wt.steps {
		must = append(must, loop.EffectID(decision, step))
	}
	for _, step := range wt.extra {
		may = append(may, loop.EffectID(decision, step))
	}
	if wt.rule == "ping" {
		must = rally(must[0])
	}
	return must, may
}

// rally is what two rules that feed each other make of one signal, which nobody approves: each parked effect is the next
// one's signal, until the hop limit ends it.
func rally(ball string) (all []string) {
	for i := range loop.MaxHops {
		all = append(all, ball)
		ball = loop.EffectID(loop.SignalDecisionID(parkedKey(ball), []string{"pong", "ping"}[i%2]), "ball")
	}
	return append(all, ball)
}

// parkedKey is the signal that tells that an effect is parked.
func parkedKey(effectID string) string {
	return loop.SignalKey(loop.OwnSourcePrefix+"act", loop.OutcomeID(effectID, loop.StatusParked))
}

// lead is the id of the effect that rule `lead` decides about a parked effect.
func lead(effectID string) string {
	return loop.EffectID(loop.SignalDecisionID(parkedKey(effectID), "lead"), "lead")
}
