package main

import (
	"testing"
	"time"

	"example.com/unbroken/internal/region"
)

// An order that changes nothing is no flip: observers that tell of it call it what those did who told before.
func TestAnOrderThatChangesNothingCarriesTheNameOn(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	name := testNow.Add(-time.Hour)
	for _, table := range []string{east, west} {
		w.cloud.put(table, region.StateKey(west), "us-east-1", region.Entry{State: region.Drained, Since: testNow, After: name})
	}
	before := map[time.Time]bool{name: true}
	for i, step := range []struct {
		order   string
		changes bool
	}{
		{"freeze", false},
		{"unfreeze", false},
		{"drain", false},
		{"drain", false},
		{"restore", true},
		{"restore", false},
		{"freeze", false},
		{"unfreeze", false},
		{"drain", true},
		{"restore", true},
	} {
		w.tick()
		w.must(t, step.order, west, "--reason", "x")
		e := w.now(t, east, west)
		if step.changes && before[e.Name()] {
			t.Errorf("step %d, %s: called %s, as another flip was", i, step.order, e.Name())
		}
		if !step.changes && !e.Name().Equal(name) {
			t.Errorf("step %d, %s: called %s, and it is what was called %s", i, step.order, e.Name(), name)
		}
		name = e.Name()
		before[name] = true
	}
}

// What was to change nothing and ended a flip that came between is a flip, and has a name of its own.
func TestAnOrderThatEndsAFlipHasItsOwnName(t *testing.T) {
	t.Parallel()
	for order, was := range map[string]region.State{"drain": region.Drained, "restore": region.Active} {
		w := healthy(t)
		flip := func(s region.State, since, after time.Time) {
			for _, table := range []string{east, west} {
				w.cloud.put(table, region.StateKey(west), "us-east-1", region.Entry{State: s, Since: since, After: after})
			}
		}
		first, began := testNow.Add(-time.Hour), testNow.Add(-2*time.Hour)
		flip(was, first, began)
		other := region.Active
		if was == region.Active {
			other = region.Drained
		}
		w.meanwhile(func() { flip(other, testNow.Add(-time.Millisecond), first) }, nil)
		w.must(t, order, west, "--reason", "x")
		if e := w.now(t, east, west); e.State != was || string(e.Order) != order || !e.After.IsZero() || !e.Drained.IsZero() || e.Since.Before(testNow) {
			t.Errorf("%s: %+v", order, e)
		}
	}
}

// A freeze that keeps a drain which came between calls it what the observers call it.
func TestAFreezeCallsADrainThatComesBetweenByItsName(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	began := testNow.Add(-time.Hour)
	w.meanwhile(func() {
		for _, table := range []string{east, west} {
			w.cloud.put(table, region.StateKey(west), "us-east-1", region.Entry{State: region.Drained, Since: testNow.Add(time.Second), After: began})
		}
	}, nil)
	w.must(t, "freeze", west, "--reason", "deploying")
	if e := w.now(t, east, west); e.State != region.Drained || !e.Name().Equal(began) {
		t.Errorf("called %s: %+v", e.Name(), e)
	}
}
