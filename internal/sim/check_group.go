package sim

import (
	"fmt"
	"strings"

	"example.com/unbroken/internal/decide"
)

// crowd is the one group of rule `crowd`.
var crowd = decide.Ref{RuleID: "crowd#group", Key: "all"}

// joined is P1 for groups: a decision that was made for a time after the signal was sent lists its key, and has ended.
func (l *ledger) joined(a acceptance, rule string) {
	for _, id := range l.book.order[crowd] {
		t := l.book.transitions[id]
		effect := t.Decision.Effects[0]
		if !t.AcceptedAt.After(start.Add(a.At)) || !strings.Contains(effect.Request.Body, `"`+a.Subject+`"`) {
			continue
		}
		l.ended(effect.ID, fmt.Sprintf("%s by %s, which tells of %s", short(effect.ID), rule, a.ID))
		return
	}
	l.violate("P1", "no decision of %s tells of %s, which is about %s", rule, a.ID, a.Subject)
}

// groups is P2 for groups: decisions follow each other, each with a higher number and for a later time.
func (l *ledger) groups() {
	var last storedTransition
	for i, id := range l.book.order[crowd] {
		t := l.book.transitions[id]
		if i > 0 && (t.Decision.Episode <= last.Decision.Episode || t.AcceptedAt.Before(last.AcceptedAt)) {
			l.violate("P2", "crowd %d, for %s, follows %d, for %s", t.Decision.Episode, t.AcceptedAt, last.Decision.Episode, last.AcceptedAt)
		}
		last = t
	}
}
