package act

import (
	"context"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// silenceStage suppresses what a silence covers. It goes by when the signal was accepted and by nothing else, so that
// the copies of one acceptance are judged alike however late they come, and so is a claim taken over from a holder
// that vanished. Whoever undoes something is never silenced: what was done has to be taken back.
type silenceStage struct{}

func (silenceStage) Exec(_ context.Context, l *Landing) (bool, error) {
	if phase := l.Claim.Effect.Phase; l.Status != "" || l.Again > 0 || phase != loop.PhaseDo && phase != loop.PhaseElse {
		return true, nil
	}
	s, covered := l.controls.Silenced(l.Claim.Effect, l.Claim.AcceptedAt)
	if covered {
		l.suppress(ReasonSilence, "%s by %s, %s until %s: %s", s.ID, s.By, matchers(s.Match), s.Until.UTC().Format(time.RFC3339), s.Reason)
	}
	return true, nil
}

func matchers(ms []loop.Matcher) string {
	all := make([]string, len(ms))
	for i, m := range ms {
		all[i] = m.String()
	}
	return strings.Join(all, " ")
}
