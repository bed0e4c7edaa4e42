package act_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// fired writes into the episodes which other rule fired, as decide does.
type fired struct {
	w        *world
	episodes *mem.Episodes
	rev      map[decide.Ref]int64
}

func (w *world) inhibited(fault mem.Fault) *fired {
	f := &fired{w, mem.NewEpisodes(fault), map[decide.Ref]int64{}}
	before := w.more
	w.more = func(c *act.Config) {
		if before != nil {
			before(c)
		}
		c.Firings = f.episodes.Firings(c.Region)
	}
	return f
}

func (f *fired) fire(rule, key string, all ...loop.Firing) {
	f.w.t.Helper()
	ref := decide.Ref{RuleID: rule, Key: key}
	if err := f.episodes.In("b").Put(f.w.t.Context(), decide.Episode{Ref: ref, Rev: f.rev[ref], Firings: all}); err != nil {
		f.w.t.Fatal(err)
	}
	f.rev[ref]++
}

// mutedBy is an effect that is suppressed while one of the rules fires for key k.
func mutedBy(id string, rules ...string) loop.Effect {
	e := effect(id)
	e.DecisionID = id
	for _, r := range rules {
		e.InhibitedBy = append(e.InhibitedBy, loop.RuleKey{Rule: r, Key: "k"})
	}
	return e
}

func TestAFiringRuleMutesAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	f := w.inhibited(nil)
	f.fire("A", "k", loop.Firing{N: 1, From: epoch, Until: epoch.Add(time.Minute)}, loop.Firing{N: 7, From: epoch.Add(2 * time.Minute)})
	f.fire("other", "k2", loop.Firing{N: 1, From: epoch})
	w.now = epoch.Add(5 * time.Minute)
	for id, c := range map[string]struct {
		at    time.Duration
		by    []string
		muted string
	}{
		"before":            {-1, []string{"A"}, ""},
		"as it opened":      {0, []string{"A"}, `rule A fires for key "k": episode 1, since 2026`},
		"within":            {59 * time.Second, []string{"quiet", "A"}, "episode 1"},
		"as it closed":      {time.Minute, []string{"A"}, ""},
		"open":              {3 * time.Minute, []string{"A"}, "episode 7"},
		"for another key":   {3 * time.Minute, []string{"other"}, ""},
		"muted by none":     {3 * time.Minute, nil, ""},
		"by one that is so": {3 * time.Minute, []string{"quiet"}, ""},
	} {
		for _, region := range []string{"a", "b"} {
			w.accepted(region, mutedBy(id, c.by...), epoch.Add(c.at))
		}
		switch got := w.claim(id); {
		case c.muted == "" && got.Status != loop.StatusDone:
			t.Errorf("%s: %s, %s", id, got.Status, got.Evidence)
		case c.muted != "" && (got.Status != loop.StatusSuppressed || !strings.HasPrefix(got.Evidence, "inhibited: rule A fires") || !strings.Contains(got.Evidence, c.muted)):
			t.Errorf("%s: %s, %s", id, got.Status, got.Evidence)
		}
	}
	if len(w.sent) != 5 {
		t.Errorf("sent %q", w.sent)
	}
}

// What decides is when the signal was accepted, not when its effect comes here: the rule may have closed, or opened,
// since.
func TestWhatMutesIsWhatFiredAtTheAcceptance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	f := w.inhibited(nil)
	f.fire("A", "k", loop.Firing{N: 1, From: epoch, Until: epoch.Add(2 * time.Minute)})
	f.fire("B", "k", loop.Firing{N: 1, From: epoch.Add(2 * time.Minute)})
	w.now = epoch.Add(3 * time.Minute)
	w.accepted("a", mutedBy("closed since", "A"), epoch.Add(time.Minute))
	w.accepted("a", mutedBy("opened since", "B"), epoch.Add(time.Minute))
	w.suppressed("closed since", "inhibited: rule A")
	if w.status("opened since") != loop.StatusDone {
		t.Errorf("%s", w.claim("opened since").Evidence)
	}
}

// An opening that is decided late changes nothing about an effect that was let through: an attempt at it may have been
// applied.
func TestWhatWasLetThroughIsNotMutedLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	f := w.inhibited(nil)
	w.answers = []act.Answer{{Verdict: act.Retry}}
	w.deliver("a", mutedBy("e", "A"))
	f.fire("A", "k", loop.Firing{N: 1, From: epoch.Add(-time.Minute)})
	w.pump()
	if len(w.sent) != 2 || w.status("e") != loop.StatusDone {
		t.Errorf("sent %q, ended %s: %s", w.sent, w.status("e"), w.claim("e").Evidence)
	}
}

// A holder that vanished may have sent: whoever takes over must not say that nothing was.
func TestWhatMayHaveBeenSentIsNotMuted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	f := w.inhibited(nil)
	f.fire("A", "k", loop.Firing{N: 1, From: epoch.Add(-time.Minute)})
	vanished := loop.Claim{EffectID: "e", Status: loop.StatusClaimed, Owner: "b/dead", Token: 1, Deadline: epoch.Add(hold), Effect: mutedBy("e", "A"), AcceptedAt: epoch}
	if _, _, err := w.claims.In("b").Open(t.Context(), vanished); err != nil {
		t.Fatal(err)
	}
	w.now = epoch.Add(hold + time.Second)
	w.deliver("a", mutedBy("e", "A"))
	if len(w.sent) != 1 || w.status("e") != loop.StatusDone {
		t.Errorf("sent %q, ended %s: %s", w.sent, w.status("e"), w.claim("e").Evidence)
	}
}

// Where the episode cannot be read the effect is held: it is neither sent nor lost.
func TestWithoutTheEpisodeAnEffectIsHeld(t *testing.T) {
	t.Parallel()
	for _, fires := range []bool{false, true} {
		broken := 2
		w := newWorld(t, nil)
		f := w.inhibited(func(op mem.Op) error {
			if op.Name == "Get" && broken > 0 {
				broken--
				return errors.New("throttled")
			}
			return nil
		})
		if fires {
			f.fire("A", "k", loop.Firing{N: 1, From: epoch})
		}
		e := mutedBy("e", "A")
		e.Class = loop.ClassOnce // one that is parked as soon as there is doubt whether it was sent
		if w.deliver("a", e); len(w.sent) > 0 {
			t.Fatalf("sent %q", w.sent)
		}
		w.pump()
		if want := map[bool]loop.Status{false: loop.StatusDone, true: loop.StatusSuppressed}[fires]; w.status("e") != want || broken > 0 {
			t.Errorf("ended %s: %s", w.status("e"), w.claim("e").Evidence)
		}
	}
}

func TestWhatIsMutedThrottlesNothingAndSpendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.limited(nil)
	f := w.inhibited(nil)
	f.fire("A", "k", loop.Firing{N: 1, From: epoch, Until: epoch.Add(time.Second)})
	for id, at := range map[string]time.Duration{"first": 0, "second": time.Second} {
		w.now = epoch.Add(at)
		e := limitedTo(id, id, 1, time.Minute)
		e.InhibitedBy = mutedBy("", "A").InhibitedBy
		w.accepted("a", e, epoch.Add(at))
	}
	if w.suppressed("first", "inhibited: "); w.status("second") != loop.StatusDone {
		t.Errorf("second: %s", w.claim("second").Evidence)
	}
}
