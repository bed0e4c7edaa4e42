package act_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"example.com/unbroken/internal/explore"
	"example.com/unbroken/internal/loop"
)

// TestModel explores claim, execute and commit for every class: two regions, two crashes, delayed requests, lost
// answers, expiring claims. What must hold in every single run stands in the checks.
func TestModel(t *testing.T) {
	t.Parallel()
	b := modelled(t)
	atMostOnceAndDone := func(m *model, c loop.Claim) string {
		if m.target.applied != 1 || c.Status != loop.StatusDone {
			return fmt.Sprintf("applied %d times, ended %s", m.target.applied, c.Status)
		}
		return ""
	}
	for _, c := range []struct {
		class loop.Class
		holds func(*model, loop.Claim) string
	}{
		{loop.ClassKeyed, atMostOnceAndDone},
		{loop.ClassFenced, atMostOnceAndDone},
		{loop.ClassNative, atMostOnceAndDone},
		{loop.ClassSet, func(m *model, c loop.Claim) string {
			if m.target.fence != "1" || c.Status != loop.StatusDone {
				return fmt.Sprintf("stands at %q, ended %s", m.target.fence, c.Status)
			}
			return ""
		}},
		{loop.ClassOnce, func(m *model, c loop.Claim) string {
			switch {
			case m.target.applied > 1:
				return fmt.Sprintf("applied %d times", m.target.applied)
			case c.Status == loop.StatusDone && m.target.applied == 1:
				return ""
			case c.Status == loop.StatusParked && c.Evidence != "":
				return ""
			}
			return fmt.Sprintf("applied %d times, ended %s: %q", m.target.applied, c.Status, c.Evidence)
		}},
	} {
		t.Run(string(c.class), func(t *testing.T) {
			t.Parallel()
			e := effect("e")
			e.Class = c.class
			start, seen := time.Now(), explore.NewSeen()
			runs, all := explore.Every(modelLimit, func(run *explore.Run) bool {
				m := explored(t, run, seen, b, e)
				if m == nil {
					return true
				}
				if wrong := c.holds(m, m.claim(t, "e")); wrong != "" {
					t.Errorf("%s, after:\n%s", wrong, run)
					return false
				}
				return !t.Failed()
			})
			told(t, seen, runs, all, start)
		})
	}
}

// TestModelOfTwoEffects explores two effects of one resource, an older and a newer one, each in both regions: the newer
// one wins. Class set promises that only where no request of the older one lands after the newer one's.
func TestModelOfTwoEffects(t *testing.T) {
	t.Parallel()
	b := modelled(t)
	b.crashes, b.lost = b.crashes-1, 0
	for _, class := range []loop.Class{loop.ClassFenced, loop.ClassSet} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			older, newer := effect("older"), effect("newer")
			older.Class, newer.Class, newer.Fence = class, class, "2"
			start, seen := time.Now(), explore.NewSeen()
			runs, all := explore.Every(modelLimit, func(run *explore.Run) bool {
				m := explored(t, run, seen, b, older, newer)
				if m == nil {
					return true
				}
				first, last := m.claim(t, "older"), m.claim(t, "newer")
				wins := m.target.fence == "2" || class == loop.ClassSet && m.target.passed
				if !wins || last.Status != loop.StatusDone || first.Status != loop.StatusDone && first.Status != loop.StatusSuperseded {
					t.Errorf("stands at %q, the older one ended %s, the newer one %s, after:\n%s", m.target.fence, first.Status, last.Status, run)
					return false
				}
				return !t.Failed()
			})
			told(t, seen, runs, all, start)
		})
	}
}

// told says how much was explored, and fails where that is not everything.
func told(t *testing.T, seen *explore.Seen, runs int, all bool, start time.Time) {
	t.Helper()
	t.Logf("%d runs to %d states, all %v, in %s", runs, seen.States(), all, time.Since(start).Round(time.Millisecond))
	if !all && !t.Failed() {
		t.Error("not every order was explored")
	}
}

// modelled is the budget of one test run: MODEL=quick is what `make test` has time for, MODEL=deep takes minutes.
// Only one goroutine of a model moves at a time, so the race detector would find nothing in it, ten times slower.
func modelled(t *testing.T) budget {
	t.Helper()
	switch os.Getenv("MODEL") {
	case "":
		t.Skip("run by `make model`")
	case "deep":
		return budget{crashes: 2, delays: 1, lost: 1, expiries: 1}
	}
	return budget{crashes: 1, delays: 1, expiries: 1}
}

const modelLimit = 5_000_000
