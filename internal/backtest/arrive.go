package backtest

import (
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// arrive does what act does to decisions that other decisions follow from: what another rule mutes, and what must prove
// itself. It is as if each had come to act when its signal was accepted, and all of that moment had been decided by then.
// The caller has its turn.
func (v *visit) arrive() {
	v.mu.Lock()
	defer v.mu.Unlock()
	made := v.out.Made[len(v.out.Made)-len(v.fresh):]
	for i, a := range v.fresh {
		m := &made[i]
		if m.MutedBy = v.side.state.mutes(m.Effects, a.accepted); m.MutedBy == "" {
			v.land(m.Decision, a)
		}
	}
	v.fresh = v.fresh[:0]
}

// mutes names the rule that fired for the effects then.
func (s *state) mutes(effects []loop.Effect, accepted time.Time) string {
	if len(effects) == 0 {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, by := range effects[0].InhibitedBy { // the same of all steps
		if k := s.keys[decide.Ref{RuleID: by.Rule, Key: by.Key}]; k != nil {
			if _, fires := loop.FiringAt(k.episode.Firings, accepted); fires {
				return by.Rule
			}
		}
	}
	return ""
}

// land starts the verifications of a decision, as if its effects were done at once.
func (v *visit) land(d loop.Decision, a arrival) {
	for _, e := range d.Effects {
		if e.Verify == nil {
			continue
		}
		exact := *e.Verify
		exact.Settle, e.Verify = 0, &exact // what was accepted by then has been decided
		timer, err := loop.VerifyTimer(loop.Claim{EffectID: e.ID, Effect: e, AcceptedAt: a.accepted, UpdatedAt: a.accepted}, a.item)
		if err == nil {
			var body []byte
			if body, err = loop.Encode(timer); err == nil {
				v.side.timers.add(timer.AcceptedAt, loop.Outgoing{Body: body})
			}
		}
		if err != nil {
			v.err = err
		}
	}
}
