package act

import "time"

// An effect is held back where its claim stands and it cannot be sent yet. That is no attempt: it uses none up, and it
// is not taken for one by whoever holds the claim next (commitStage).

// hold gives the claim back for a while.
func (l *Landing) hold(wait time.Duration, why string) {
	l.Again, l.Held, l.Evidence = wait, true, why
}

// giveBack gives the claim back since what the guard must know could not be known. Each time it waits longer, with
// jitter: what could not be read or written may be what everybody contends for.
func (l *Landing) giveBack(cause error) {
	l.Item.Attempt++
	l.hold(max(waitMargin, l.unclaimed.Next(l.Item.Attempt)), cause.Error())
}
