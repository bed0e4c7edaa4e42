package act_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// watching is a world in which rules stop themselves.
func watching(t *testing.T, fault mem.Fault) (*world, *mem.Controls) {
	w := newWorld(t, nil)
	controls, limits := mem.NewControls(fault), mem.NewLimits(nil)
	w.more = func(c *act.Config) {
		c.Controls, c.Stopper = controls.In(c.Region), controls.In(c.Region)
		c.Budgets, c.Throttles = limits.Budgets(c.Region), limits.Throttles(c.Region)
		c.Recorder = stops{c.Recorder, w}
	}
	return w, controls
}

// stops notes who stopped itself.
type stops struct {
	act.Recorder
	w *world
}

func (s stops) Landed(ctx context.Context, l *act.Landing) {
	if l.Stopped {
		s.w.sent = append(s.w.sent, "stopped "+l.Claim.Effect.RuleID)
	}
	s.Recorder.Landed(ctx, l)
}

func watched(id string) loop.Effect {
	e := effect(id)
	e.DecisionID, e.Watched, e.ExpireAfter = id, loop.Duration(10*time.Minute), loop.Duration(24*time.Hour)
	return e
}

func worse(id string, most int) loop.Effect {
	e := effect(id)
	e.Phase, e.Target, e.Class, e.ExpireAfter = loop.PhaseGuard, loop.TargetRegression, loop.ClassNative, loop.Duration(24*time.Hour)
	e.Regression = &loop.Regression{Most: most, Within: loop.Duration(10 * time.Minute)}
	return e
}

func at(minutes int) time.Time { return epoch.Add(time.Duration(minutes) * time.Minute) }

func TestARuleThatMakesThingsWorseStopsItself(t *testing.T) {
	t.Parallel()
	w, controls := watching(t, nil)
	w.now = at(4 * 60)
	for i := range 4 { // every half hour it does something, and it gets worse; both are told in both regions, twice
		for _, region := range []string{"a", "b"} {
			w.accepted(region, watched(fmt.Sprint("do", i)), at(30*i))
			w.accepted(region, worse(fmt.Sprint("worse", i), 2), at(30*i+3))
			w.accepted(region, worse(fmt.Sprint("again", i), 2), at(30*i+4))
		}
		w.now = w.now.Add(time.Minute)
	}
	got := strings.Join(w.sent, ", ")
	if got != "do0 first, do1 first, do2 first, stopped r, stopped r" {
		t.Errorf("sent %q: want it to stop with the third regression", got)
	}
	w.suppressed("do3", "killed: the rule was stopped by unbroken: more than guard.max_regressions (2)")
	c, err := controls.In("b").Load(t.Context())
	if err != nil || len(c.Kills) != 1 || c.Kills[0].Scope != "r" || len(c.Log) != 1 {
		t.Errorf("%v: %+v", err, c)
	}
	if !strings.Contains(w.claim("worse2").Evidence, "the rule stopped itself") || !strings.Contains(w.claim("again0").Evidence, "counts against decision do0") {
		t.Errorf("evidence: %q, %q", w.claim("worse2").Evidence, w.claim("again0").Evidence)
	}
}

func TestWhatIsNoRegression(t *testing.T) {
	t.Parallel()
	w, controls := watching(t, nil)
	w.now = at(60)
	w.accepted("a", watched("do"), at(10))
	w.accepted("a", worse("same signal", 0), at(10)) // what it acts on is not what follows
	w.accepted("a", worse("before", 0), at(9))
	w.accepted("a", worse("long after", 0), at(21))
	other := worse("other key", 0)
	other.Key = "another"
	w.accepted("a", other, at(11))
	if c, err := controls.In("a").Load(t.Context()); err != nil || len(c.Kills) != 0 {
		t.Fatalf("%v: stopped by %+v", err, c.Kills)
	}
	for _, id := range []string{"same signal", "before", "long after", "other key"} {
		if c := w.claim(id); c.Status != loop.StatusDone || !strings.Contains(c.Evidence, "nothing was done") {
			t.Errorf("%s: %s, %s", id, c.Status, c.Evidence)
		}
	}
}

// Whatever fails on the way, the rule is stopped in the end, and it is told.
func TestARuleIsStoppedWhateverFails(t *testing.T) {
	t.Parallel()
	for _, when := range []mem.When{mem.Before, mem.After} {
		broken := 1
		w, controls := watching(t, func(op mem.Op) error {
			if op.Name == "Store" && op.When == when && broken > 0 {
				broken--
				return errors.New("connection reset")
			}
			return nil
		})
		w.now = at(5)
		w.accepted("a", watched("do"), at(0))
		w.accepted("a", worse("worse", 0), at(1))
		w.pump()
		c, err := controls.In("a").Load(t.Context())
		if err != nil || broken != 0 || len(c.Kills) != 1 || w.status("worse") != loop.StatusDone || !strings.Contains(strings.Join(w.sent, " "), "stopped r") {
			t.Errorf("%v: %+v, %s, %q", err, c.Kills, w.status("worse"), w.sent)
		}
	}
	// A world that counts nothing lands it all the same.
	w := newWorld(t, nil)
	w.deliver("a", worse("worse", 1))
	if w.status("worse") != loop.StatusDone || len(w.sent) != 0 {
		t.Errorf("%s, sent %q", w.status("worse"), w.sent)
	}
}
