package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/route53"
)

// slowNames lets something happen while Route 53 works.
type slowNames struct {
	fakeNames
	while func()
}

func (n slowNames) In(ctx context.Context, region string) (route53.Change, error) {
	n.while()
	return n.fakeNames.In(ctx, region)
}

// whileNames lets something happen between the look and the write of a restore.
func (t *terminalOf) whileNames(while func()) {
	t.Cloud = func(aws.Config, deployment) *cloud {
		c := t.cloud.cloud()
		c.Names = func(domain string) names { return slowNames{fakeNames{t.cloud, domain}, while} }
		return c
	}
}

// ordered is what a person wrote to one table or several.
func (t *terminalOf) ordered(name string, e region.Entry, tables ...string) {
	for _, table := range tables {
		t.cloud.put(table, region.StateKey(name), region.OperatorKey(table), e)
	}
}

// Route 53 may take 20 s, and health seconds: whoever orders something meanwhile means it.
func TestAnOrderThatCameWhileThisOneLookedStands(t *testing.T) {
	t.Parallel()
	drain := region.Entry{State: region.Drained, Since: testNow.Add(5 * time.Second), Order: region.Drain, By: "bob", Why: "it burns"}
	w := healthy(t)
	w.ordered(west, region.Entry{State: region.Drained, Since: testNow.Add(-time.Hour), Order: region.Drain, ControlPlane: loopName}, east, west)
	w.whileNames(func() { w.ordered(west, drain, west); w.later(10 * time.Second) })
	code := w.run(t.Context(), "restore", west, "--reason", "x", "--control-plane", loopName, "-c", testLoop)
	if e := w.now(t, west, west); code != exitProblem || e != drain {
		t.Errorf("exit %d, it is %+v: %s", code, e, w.out.String())
	}
	for _, want := range []string{"bob ordered drain of us-west-2 meanwhile (it burns): look, and run it again", "unbroken drain us-west-2 --control-plane " + loopName} {
		if !strings.Contains(w.err.String(), want) {
			t.Errorf("no %q: %s", want, w.err.String())
		}
	}

	// A drain waits for the others' health.
	restore := region.Entry{State: region.Active, Since: testNow.Add(5 * time.Second), Order: region.Restore, By: "bob"}
	w = healthy(t)
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		w.ordered(west, restore, east)
		w.later(10 * time.Second)
	}))
	t.Cleanup(slow.Close)
	w.cloud.announce(east, slow.URL)
	code = w.run(t.Context(), "drain", west, "--reason", "x", "-c", testLoop)
	if e := w.now(t, east, west); code != exitProblem || e != restore || !strings.Contains(w.err.String(), "bob ordered restore of us-west-2 meanwhile") {
		t.Errorf("exit %d, it is %+v: %s", code, e, w.err.String())
	}
}

// What observers flip meanwhile is overruled, as ever; and the order is of now, not of when the look began.
func TestAnOrderFollowsWhatFlippedWhileItLooked(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	flip := testNow.Add(20 * time.Second)
	w.whileNames(func() { w.flipped(region.Drained, flip); w.later(10 * time.Second) })
	w.must(t, "restore", west, "--reason", "x", "--control-plane", loopName)
	if e := w.now(t, east, west); e.State != region.Active || !e.Since.Equal(flip.Add(1)) {
		t.Errorf("it is %+v", e)
	}
	w = healthy(t)
	w.whileNames(func() { w.later(10 * time.Second) })
	w.must(t, "restore", west, "--reason", "x", "--control-plane", loopName)
	if e := w.now(t, east, west); !e.Since.Equal(w.Now()) {
		t.Errorf("it is %+v", e)
	}
}

// What is only now read, because a table answers again or none answers any more, is no order that came meanwhile.
func TestTablesThatComeAndGoHoldUpNoOrder(t *testing.T) {
	t.Parallel()
	old := region.Entry{State: region.Drained, Since: testNow.Add(30 * time.Second), Order: region.Drain, By: "bob"}
	older := region.Entry{State: region.Active, Since: testNow.Add(-2 * time.Hour), Order: region.Restore, By: "eve"}
	dead := func(w *terminalOf, inEast, inWest bool) {
		w.cloud.mu.Lock()
		defer w.cloud.mu.Unlock()
		w.cloud.dead[east], w.cloud.dead[west] = inEast, inWest
	}
	for name, c := range map[string]struct{ before, while func(w *terminalOf) }{
		"none answered":       {func(w *terminalOf) { dead(w, true, true) }, func(w *terminalOf) { dead(w, false, false) }},
		"one answers no more": {func(*terminalOf) {}, func(w *terminalOf) { dead(w, true, false) }},
	} {
		w := healthy(t)
		w.ordered(west, old, east)
		w.ordered(west, older, west)
		c.before(w)
		w.whileNames(func() { c.while(w) })
		code := w.run(t.Context(), "restore", west, "--reason", "x", "--control-plane", loopName, "--trust-clock", "-c", testLoop)
		if e := w.now(t, west, west); code != exitOK || e.Order != region.Restore || e.Why != "x" || !e.Since.After(old.Since) {
			t.Errorf("%s: exit %d, it is %+v: %s", name, code, e, w.err.String())
		}
	}
}

// An order that is written twice, because a flip came between, still tells what Route 53 did.
func TestAnOrderThatEndsAFlipTellsOfTheControlPlane(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.ordered(west, region.Entry{State: region.Active, Since: testNow.Add(-time.Hour), Order: region.Restore, ControlPlane: loopName}, east, west)
	w.meanwhile(func() { w.flipped(region.Drained, testNow.Add(-time.Second)) }, nil)
	if out := w.must(t, "restore", west, "--reason", "x", "--control-plane", loopName); !strings.Contains(out, "health check c-1 of us-west-2") {
		t.Error(out)
	}
}
