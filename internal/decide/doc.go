// Package decide turns signals into effects. A signal passes it from left to right:
//
//	envelope.go  a message becomes items; a signal is not decoded before a rule wants it
//	evaluate.go  pure: (signal, rules) → per rule unmatched, hit, clear or failed
//	window_*.go  pure: window entries in order → a verdict on each, one kind of window a file
//	revise.go    pure: (episode, verdicts) → transitions; what a late entry changes of the past
//	verify.go    what shows that a do has worked, kept; and the look for it when its time is over
//	episode.go   one (rule, key): entries in, transitions out, over Windows and Episodes
//	gather.go    pure: (a group, firings of its keys, now) → who belongs to which decision, and the one that is due
//	group.go     one group: firings in, one decision out, over Episodes
//	joins.go     openings of a grouped rule's episodes on their way there, together
//	handler.go   the queue stage: effects out, failing items again, hopeless ones to quarantine
//
// It knows no AWS and no clock. The same code serves the Lambda, the simulator and rule tests.
package decide

import (
	"context"
	"time"

	"example.com/unbroken/internal/loop"
)

// Ref names the state of one key of a rule.
type Ref struct {
	RuleID, Key string
}

// Windows keeps entries: written in the own region only, read from the own region strongly and from its peers
// as far as they have replicated. Implementations are safe for concurrent use.
type Windows interface {
	// Put stores entries for at least keep. Repeating it changes nothing.
	Put(ctx context.Context, ref Ref, entries []Entry, keep time.Duration) error
	// Around returns what the look asks for. Entries of several regions are merged; a signal may appear more than
	// once.
	Around(ctx context.Context, ref Ref, look Look) (Seen, error)
}

// Episode is the state of a (rule, key) on which regions agree.
type Episode struct {
	Ref
	N           int64         // number of the newest episode; 0 before the first
	Open        bool          //
	Last        loop.Position // of the newest transition; the next one must come after it
	Transitions []Transition  // whose effects may still be needed, oldest first
	Flips       []Flip        // the state's recent changes as they are known now, oldest first; see judged
	MovedAt     time.Time     // when Flips were written, by the clock
	Firings     []loop.Firing // the last ones, oldest first, of a rule that inhibits others
	Group       *Gathering    // where this is the record of a group (group.go)
	Rev         int64         // counts writes; 0 where nothing is stored
	UpdatedAt   time.Time     // of the newest write, by the clock: event time may be years ago in a replay
}

// Pending says how many transitions have effects that nobody sent yet, and when the oldest of them was accepted. A group
// that is gathering has some as soon as it is due.
func (e Episode) Pending() (n int, oldest time.Time) {
	if e.Open && e.Group != nil {
		n, oldest = 1, e.Group.Due
	}
	for _, t := range e.Transitions {
		if !t.Pending() {
			continue
		}
		if n++; oldest.IsZero() || t.AcceptedAt.Before(oldest) {
			oldest = t.AcceptedAt
		}
	}
	return n, oldest
}

// Transition is an opening or closing with its rendered effects. It stays in the episode until they have expired,
// so that every region that touches the episode finds it and puts the effects on its own queue, too.
type Transition struct {
	Decision   loop.Decision `json:"decision"`
	At         loop.Position `json:"at"`
	AcceptedAt time.Time     `json:"acceptedAt"`
	Input      string        `json:"input"`
	Hops       int           `json:"hops,omitempty"`
	Cause      []string      `json:"cause,omitempty"`
	SentBy     []string      `json:"sentBy,omitempty"` // the regions whose `actions` queues have the effects; none while pending
}

// Pending says whether no region has sent the effects yet.
func (t Transition) Pending() bool { return len(t.SentBy) == 0 }

// Episodes is the linearizable store of episodes.
type Episodes interface {
	// Get reads with strong consistency; the zero Rev where there is none.
	Get(ctx context.Context, ref Ref) (Episode, error)
	// Put stores e with Rev+1 if the stored Rev is e.Rev; otherwise loop.ErrConflict. After any other error it
	// may or may not have happened.
	Put(ctx context.Context, e Episode) error
}

// Queue sends to the queues of any region.
type Queue interface {
	// Send returns one error slot per message; nil means durably stored.
	Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error
}
