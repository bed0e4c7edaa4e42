package sim

import (
	"context"
	"slices"
	"time"

	"github.com/tidwall/gjson"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// book is what was seen of a run from outside: what producers were told, and what stages said. Checks compare it
// with what stands in the services at the end.
type book struct {
	attempted   map[string][]*Planned // signal key → the bodies that were sent, accepted or not
	refused     map[string]bool       // signals that were refused for what they are
	returned    map[string]bool       // ids of those that lie quarantined on the way in
	accepted    []acceptance
	handled     map[string]bool // signals whose message decide acknowledged
	late        map[pair]bool
	quarantined map[pair]loop.Code
	transitions map[string]storedTransition // every one that ever stood in an episode, by decision id
	order       map[decide.Ref][]string     // their ids in the order in which they were stored
	landings    map[string]time.Time        // effect → when it was first known to have ended
	entered     map[pair]time.Time          // when the last region stored the entry first
	enteredIn   map[string]map[pair]bool    // by region
}

type acceptance struct {
	*Planned
	region string
	copies int
	at     time.Time
}

// pair is a (signal, rule).
type pair struct{ signal, rule string }

type storedTransition struct {
	decide.Transition
	ref decide.Ref
}

func newBook() book {
	return book{
		attempted: map[string][]*Planned{}, refused: map[string]bool{}, returned: map[string]bool{}, handled: map[string]bool{}, late: map[pair]bool{},
		quarantined: map[pair]loop.Code{}, transitions: map[string]storedTransition{}, order: map[decide.Ref][]string{},
		landings: map[string]time.Time{}, entered: map[pair]time.Time{}, enteredIn: map[string]map[pair]bool{},
	}
}

func (b *book) tried(s *Planned) {
	key := loop.SignalKey(source, s.ID)
	if !slices.Contains(b.attempted[key], s) {
		b.attempted[key] = append(b.attempted[key], s)
	}
}

func (b *book) refuse(s *Planned) { b.refused[loop.SignalKey(source, s.ID)] = true }

// acknowledged notes what a stage took responsibility for.
func (w *World) acknowledged(region, queue string, body []byte) {
	switch queue {
	case loop.QueueSignals:
		gjson.GetBytes(body, "items.#.signal").ForEach(func(_, signal gjson.Result) bool {
			w.book.handled[loop.SignalKey(signal.Get("source").Str, signal.Get("id").Str)] = true
			return true
		})
	case loop.QueueInbox:
		id := idOf(body)
		for i := range w.plan.Signals {
			switch s := &w.plan.Signals[i]; {
			case s.ID != id || s.Input != "inbox":
				continue
			case s.outOfRange():
				w.book.refuse(s)
			default:
				w.accept(s, region, 2)
			}
			return
		}
	}
}

func idOf(raw []byte) string { return gjson.GetBytes(raw, "id").Str }

func signalKeyOf(raw []byte) string {
	return loop.SignalKey(gjson.GetBytes(raw, "source").Str, idOf(raw))
}

// decideBook hears what decide says. What a dead process says is not heard.
type decideBook struct {
	w      *World
	region string
}

func (d *decideBook) alive() bool { return d.w.clock.running != nil && !d.w.clock.running.dead }

func (d *decideBook) Decided(_ context.Context, made loop.Decision, _ loop.Item) {
	if d.w.trace && d.alive() {
		d.w.log(d.region, "decided     %s %s %s", made.RuleID, made.Key, made.Phase)
	}
}

func (d *decideBook) Overflow(context.Context, string) {}

func (d *decideBook) Late(_ context.Context, ruleID, signalKey string) {
	if d.alive() {
		d.w.book.late[pair{signalKey, ruleID}] = true
		d.w.log(d.region, "late        %s %s", ruleID, short(signalKey))
	}
}

func (d *decideBook) Quarantined(_ context.Context, q loop.Quarantine, item loop.Item) {
	if d.w.trace && d.alive() {
		d.w.log(d.region, "quarantined %s %s %s", q.Rule, q.Reason, idOf(item.Signal))
	}
}

func (d *decideBook) Retried(_ context.Context, item loop.Item, after time.Duration, cause error) {
	if d.w.trace && d.alive() {
		d.w.log(d.region, "decide again in %s %s: %v", seconds(after), idOf(item.Signal), cause)
	}
}

func (d *decideBook) Batch(context.Context, []loop.Item, int) {}

// actBook hears what act says.
type actBook struct {
	w      *World
	region string
}

func (a actBook) Landed(_ context.Context, l *act.Landing) {
	t := a.w.clock.running
	if t == nil || t.dead {
		return
	}
	id := l.Item.Effect.ID
	if _, known := a.w.book.landings[id]; !known {
		a.w.book.landings[id] = a.w.clock.now
	}
	if a.w.trace {
		said := "landed     "
		if l.Repeat {
			said = "had landed "
		}
		a.w.log(a.region, "%s %s %s %s %s (%s)", said, short(id), l.Item.Effect.RuleID, l.Item.Effect.Phase, l.Status, l.Claim.Evidence)
	}
}

func (a actBook) Retried(_ context.Context, l *act.Landing, after time.Duration) {
	if t := a.w.clock.running; a.w.trace && t != nil && !t.dead {
		a.w.log(a.region, "land again  %s in %s (%s)", short(l.Item.Effect.ID), seconds(after), l.Evidence)
	}
}

// episodesBook notes every transition that was ever stored, whatever became of the answer.
type episodesBook struct {
	w *World
	decide.Episodes
}

func (e episodesBook) Put(ctx context.Context, next decide.Episode) error {
	err := e.Episodes.Put(ctx, next)
	stored, perr := e.w.episodes.Peek(next.Ref)
	if perr != nil {
		panic(perr)
	}
	b := &e.w.book
	for _, t := range stored.Transitions {
		if _, known := b.transitions[t.Decision.ID]; !known {
			b.transitions[t.Decision.ID] = storedTransition{t, next.Ref}
			b.order[next.Ref] = append(b.order[next.Ref], t.Decision.ID)
		}
	}
	return err
}

// windowsBook notes when regions stored their entries first.
type windowsBook struct {
	w      *World
	region string
	decide.Windows
}

func (b windowsBook) Put(ctx context.Context, ref decide.Ref, entries []decide.Entry, keep time.Duration) error {
	err := b.Windows.Put(ctx, ref, entries, keep)
	book := &b.w.book
	known := book.enteredIn[b.region]
	if known == nil {
		known = map[pair]bool{}
		book.enteredIn[b.region] = known
	}
	for _, e := range entries {
		if p := (pair{e.Pos.SignalKey, ref.RuleID}); !known[p] {
			known[p], book.entered[p] = true, b.w.clock.now
		}
	}
	return err
}
