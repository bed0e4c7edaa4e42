package main

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/unbroken/internal/region"
	"example.com/unbroken/internal/salvage"
)

// meanwhile lets something happen between the look and the write, and after it.
func (t *terminalOf) meanwhile(before, after func()) {
	docs := &between{fakeCloud: t.cloud, before: before, after: after}
	t.Cloud = func(aws.Config, deployment) *cloud {
		c := t.cloud.cloud()
		c.Docs = docs
		return c
	}
}

type between struct {
	*fakeCloud
	once          sync.Once
	before, after func()
	unaudited     bool
}

func (b *between) Put(ctx context.Context, in, name, writer string, doc any, keep time.Duration) error {
	if strings.HasPrefix(name, "audit#") {
		if b.unaudited {
			return errDead
		}
		return b.fakeCloud.Put(ctx, in, name, writer, doc, keep)
	}
	var err error
	first := false
	b.once.Do(func() {
		first = true
		if b.before != nil {
			b.before()
		}
	})
	err = b.fakeCloud.Put(ctx, in, name, writer, doc, keep)
	if first && b.after != nil {
		b.after()
	}
	return err
}

// A flip or an order that is known is overruled by a clock that is somewhat behind, too.
func TestAnOrderComesAfterAllThatIsKnown(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.flipped(region.Drained, testNow.Add(30*time.Second))
	w.must(t, "restore", west, "--reason", "it is well")
	if e := w.now(t, east, west); e.State != region.Active {
		t.Errorf("restored 30 s before it was drained: %+v", e)
	}
	// A laptop a minute ahead drains; another restores, and reaches one table.
	w = healthy(t)
	w.later(time.Minute)
	w.must(t, "drain", west, "--reason", "x")
	w.later(-40 * time.Second)
	w.cloud.dead[west] = true
	w.must(t, "restore", west, "--reason", "y")
	if e := w.now(t, east, west); e.State != region.Active {
		t.Errorf("restored 40 s before it was drained: %+v", e)
	}
}

func TestAClockThatTheObserversContradictOrdersNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ahead time.Duration
		says  string
	}{
		"an hour ahead":     {time.Hour, "no observer has been heard for 1h0m"},
		"behind":            {-region.Fresh - 41*time.Second, "is behind: two observers have been heard 2m31s later"},
		"about to mislead":  {-region.Fresh + 20*time.Second, "is behind: two observers have been heard 1m30s later"},
		"somewhat ahead":    {100 * time.Second, ""},
		"somewhat behind":   {-100 * time.Second, ""},
		"one observer lies": {0, ""},
	} {
		w := healthy(t)
		if strings.HasPrefix(name, "one") {
			w.cloud.put(east, region.VerdictKey(east), "us-east-1", region.Verdict{At: testNow.Add(time.Hour)})
		}
		w.later(c.ahead)
		code := w.run(t.Context(), "drain", west, "--reason", "x", "-c", testLoop)
		if c.says == "" {
			if code != exitOK {
				t.Errorf("%s: exit %d: %s", name, code, w.err.String())
			}
			continue
		}
		if code != exitProblem || !strings.Contains(w.err.String(), c.says) || !strings.Contains(w.err.String(), "--trust-clock") {
			t.Errorf("%s: exit %d: %s", name, code, w.err.String())
		}
		if c.ahead > 0 && !strings.HasPrefix(w.err.String(), "unbroken: run it again with --trust-clock if the clock is right: ") {
			t.Errorf("%s: what to type does not come first: %s", name, w.err.String())
		}
		w.err.Reset()
		if code := w.run(t.Context(), "drill", west, "-c", testLoop); code != exitProblem || !strings.Contains(w.err.String(), c.says) || strings.Contains(w.err.String(), "--trust-clock") {
			t.Errorf("%s: drill: exit %d: %s", name, code, w.err.String())
		}
		if e := w.now(t, east, west); e.Order != "" {
			t.Errorf("%s: ordered all the same: %+v", name, e)
		}
		w.must(t, "drain", west, "--reason", "x", "--trust-clock")
	}
	// Where only people drain, the states leave verdicts out; the clock is held against them all the same.
	file := operated(t)
	w := healthy(t)
	w.later(time.Hour)
	if code := w.run(t.Context(), "drain", west, "--reason", "x", "-c", file); code != exitProblem || !strings.Contains(w.err.String(), "--trust-clock") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
}

// What was ordered is not what stands, if somebody was faster or the clocks differ: that is said, not what was wished.
func TestACommandSaysWhatStands(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.meanwhile(func() { w.flipped(region.Drained, testNow.Add(30*time.Second)) }, nil)
	code := w.run(t.Context(), "restore", west, "--reason", "x", "-c", testLoop)
	if code != exitProblem || w.out.Len() > 0 || !strings.Contains(w.err.String(), "the order does not stand: us-west-2 is drained, by us-east-1") {
		t.Errorf("exit %d: %s%s", code, w.out.String(), w.err.String())
	}
	w = healthy(t)
	w.meanwhile(nil, func() {
		w.cloud.mu.Lock()
		defer w.cloud.mu.Unlock()
		w.cloud.dead[east], w.cloud.dead[west] = true, true
	})
	if code := w.run(t.Context(), "drain", west, "--reason", "x", "-c", testLoop); code != exitOK || !strings.Contains(w.err.String(), "not read again") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	w = healthy(t)
	w.meanwhile(nil, func() {
		w.cloud.mu.Lock()
		defer w.cloud.mu.Unlock()
		w.cloud.dead[east], w.cloud.dead[west] = true, true
	})
	var out struct{ Unread string }
	if err := json.Unmarshal([]byte(w.must(t, "drain", west, "--reason", "x", "--json")), &out); err != nil || !strings.Contains(out.Unread, "cannot be read") {
		t.Errorf("a machine is not told that it was not read again: %v: %s", err, w.out.String())
	}
}

func TestAFreezeKeepsADrainThatComesBetween(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"freeze", "unfreeze"} {
		w := healthy(t)
		flip := testNow.Add(time.Second)
		w.meanwhile(func() { w.flipped(region.Drained, flip) }, nil)
		out := w.must(t, order, west, "--reason", "deploying")
		if e := w.now(t, east, west); e.State != region.Drained || string(e.Order) != order || !e.DrainedSince().Equal(flip) || !strings.Contains(out, "us-west-2 is drained") {
			t.Errorf("%s: %+v: %s", order, e, out)
		}
	}
}

// A drain that a person ordered stands until a restore: neither a freeze nor its end gives it to the observers.
func TestAFreezeDoesNotEndADrain(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.must(t, "drain", west, "--reason", "x")
	was := w.now(t, east, west)
	w.tick()
	if out := w.must(t, "freeze", west, "--reason", "deploying"); !strings.Contains(out, "is drained by arn:aws:iam::1:user/ann: x. That holds it until unbroken restore") {
		t.Error(out)
	}
	if out := w.must(t, "freeze", west, "--reason", "deploying", "--json"); !strings.Contains(out, `"written": []`) {
		t.Error(out)
	}
	if code := w.run(t.Context(), "unfreeze", west, "--reason", "deployed", "-c", testLoop); code != exitProblem || !strings.Contains(w.err.String(), "unbroken restore ends it") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
	if e := w.now(t, east, west); e != was {
		t.Errorf("it is %+v", e)
	}
}

func TestTwoPeopleWhoDrainARegionEachLeaveSomebody(t *testing.T) {
	t.Parallel()
	w, second := healthy(t), newTerminal()
	second.cloud = w.cloud
	other := exitOK
	w.meanwhile(func() { other = second.run(t.Context(), "drain", west, "--reason", "b", "-c", testLoop) }, nil)
	code := w.run(t.Context(), "drain", east, "--reason", "a", "-c", testLoop, "--control-plane", loopName)
	if other != exitOK || code != exitProblem || !strings.Contains(w.err.String(), "us-west-2 was drained at the same time") || len(w.cloud.names) > 0 {
		t.Errorf("exits %d, %d, %v: %s", code, other, w.cloud.names, w.err.String())
	}
	if e := w.now(t, east, east); e.State != region.Active || e.ControlPlane != "" || w.now(t, east, west).State != region.Drained {
		t.Errorf("us-east-2 is left %+v", e)
	}
	// With force a person means it.
	w.tick()
	w.must(t, "drain", east, "--reason", "a", "--force")
	// What was frozen is frozen again.
	w = healthy(t)
	second.cloud = w.cloud
	w.must(t, "freeze", east, "--reason", "f")
	w.tick()
	w.meanwhile(func() { second.run(t.Context(), "drain", west, "--reason", "b", "-c", testLoop) }, nil)
	w.run(t.Context(), "drain", east, "--reason", "a", "-c", testLoop)
	if e := w.now(t, east, east); e.State != region.Active || e.Order != region.Freeze {
		t.Errorf("us-east-2 is left %+v", e)
	}
	// So is what was frozen drained; and what observers drained is theirs again, drained since it was.
	for _, by := range []region.Order{region.Freeze, region.Unfreeze} {
		w = healthy(t)
		second.cloud = w.cloud
		was := region.Entry{State: region.Drained, Since: testNow.Add(-time.Hour), Order: region.Freeze, By: "bob"}
		writer := region.OperatorKey(east)
		if by == region.Unfreeze {
			was.Order, writer = "", "us-east-1"
		}
		w.cloud.put(east, region.StateKey(east), writer, was)
		w.meanwhile(func() { second.run(t.Context(), "drain", west, "--reason", "b", "-c", testLoop, "--force") }, nil)
		code := w.run(t.Context(), "drain", east, "--reason", "a", "-c", testLoop)
		if e := w.now(t, east, east); code != exitProblem || e.State != region.Drained || e.Order != by || !e.DrainedSince().Equal(was.Since) {
			t.Errorf("exit %d, us-east-2 is left %+v: %s", code, e, w.err.String())
		}
	}
	// The worst is said as such.
	w = healthy(t)
	second.cloud = w.cloud
	docs := &cutOff{fakeCloud: w.cloud}
	w.Cloud = func(aws.Config, deployment) *cloud {
		c := w.cloud.cloud()
		c.Docs = docs
		return c
	}
	docs.first = func() { second.run(t.Context(), "drain", west, "--reason", "b", "-c", testLoop) }
	if code := w.run(t.Context(), "drain", east, "--reason", "a", "-c", testLoop); code != exitUnreachable || !strings.Contains(w.err.String(), "NOBODY TAKES SIGNALS") {
		t.Errorf("exit %d: %s", code, w.err.String())
	}
}

// cutOff takes one order, and no other.
type cutOff struct {
	*fakeCloud
	once  sync.Once
	first func()
}

func (c *cutOff) Put(ctx context.Context, in, name, writer string, doc any, keep time.Duration) error {
	c.once.Do(c.first)
	if e, ok := doc.(region.Entry); ok && e.Order != region.Drain {
		return errDead
	}
	return c.fakeCloud.Put(ctx, in, name, writer, doc, keep)
}

// An order counts without its audit entry; that there is none is said.
func TestAnOrderThatCouldNotBeAuditedCountsAllTheSame(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.Cloud = func(aws.Config, deployment) *cloud {
		c := w.cloud.cloud()
		c.Docs = &between{fakeCloud: w.cloud, unaudited: true}
		return c
	}
	var out ordered
	if err := json.Unmarshal([]byte(w.must(t, "drain", west, "--reason", "a", "--json")), &out); err != nil {
		t.Fatal(err)
	}
	if len(out.Written) != 2 || len(out.Unaudited) != 2 || w.now(t, east, west).State != region.Drained {
		t.Errorf("%+v", out)
	}
	w.tick()
	w.must(t, "restore", west, "--reason", "a")
	if !strings.Contains(w.err.String(), "us-east-2 has the order and not its audit entry") {
		t.Error(w.err.String())
	}
}

// A region that is drained again, or frozen, has been drained since it was: what is stranded does not wait anew.
func TestADrainThatIsOrderedAgainHoldsUpNoSalvage(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.flipped(region.Drained, testNow)
	w.later(salvage.Settle)
	w.heard(w.Now())
	for _, order := range []string{"freeze", "unfreeze", "drain", "drain"} {
		w.tick()
		w.must(t, order, west, "--reason", "another reason")
		if e := w.now(t, east, west); !e.DrainedSince().Equal(testNow) || !e.Since.Equal(w.Now()) {
			t.Errorf("%s: %+v", order, e)
		}
		w.must(t, "salvage", west)
	}
	w.tick()
	w.must(t, "restore", west, "--reason", "x")
	w.tick()
	w.must(t, "drain", west, "--reason", "x")
	if code := w.run(t.Context(), "salvage", west, "-c", testLoop); code != exitProblem {
		t.Errorf("drained a moment ago: exit %d", code)
	}
}
