//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/edge"
)

// FAULTS 37: a region disappears at each of six instants. After 202 has a test of its own above; the other five are
// made certain by what is switched off, delayed or failed before.
func TestARegionDiesAtEachInstant(t *testing.T) {
	want, limit := map[string]string{}, promised(t) // effect id → path of its rule
	for _, instant := range []struct {
		name, rule string
		die        func(t *testing.T, d *death, s []client.Signal)
	}{
		{"before202", "notify", beforeAnswer},
		{"afterDecide", "notify", afterDecide},
		{"afterClaim", "notify", afterClaim},
		{"afterSend", "late", afterSend},
		{"afterCommit", "notify", afterCommit},
	} {
		t.Run(instant.name, func(t *testing.T) {
			s := signals(t, "com.example."+instant.rule, 5)
			for i := range s {
				s[i].Subject = "death/" + instant.name
				want[loop.EffectID(loop.SignalDecisionID(s[i].Key(), instant.rule), "hook")] = instant.rule
			}
			d := &death{}
			t.Cleanup(func() { d.revive(t) })
			instant.die(t, d, s)
			dead := time.Now()
			done(t, limit, s, instant.rule)
			t.Logf("%d effects done %s after the region's death; %s are allowed", len(s), time.Since(dead).Round(10*time.Millisecond), limit.Round(10*time.Millisecond))
		})
	}
	// What the dead region had in hand comes back once it is visible again, six times its function's timeout later.
	drained(t, 3*time.Minute, east, west)
	counts := map[string]int{}
	for _, rule := range []string{"notify", "late"} {
		got, err := received(t.Context(), "/"+rule+"/death/")
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(counts, got)
	}
	for id := range want {
		single(t, id, counts[id])
		delete(counts, id)
	}
	if len(counts) > 0 {
		t.Errorf("deliveries that nobody asked for: %v", counts)
	}
}

// done waits until every signal's effect is done.
func done(t *testing.T, limit time.Duration, s []client.Signal, rule string) {
	t.Helper()
	until(t, limit, func(ctx context.Context) error {
		for _, one := range s {
			c, err := suite.claims.Get(ctx, loop.EffectID(loop.SignalDecisionID(one.Key(), rule), "hook"))
			if err != nil || c.Status != loop.StatusDone {
				return fmt.Errorf("%s is %q: %w", one.ID, c.Status, err)
			}
		}
		return nil
	})
}

func cutEast(t *testing.T) {
	t.Helper()
	if err := suite.Cut(t.Context(), east); err != nil {
		t.Fatal(err)
	}
}

// death is what was done to the region, to be undone.
type death struct{ undo []func() }

// revive heals the region; doing it twice changes nothing.
func (d *death) revive(t *testing.T) {
	t.Helper()
	if err := suite.Heal(context.WithoutCancel(t.Context()), east); err != nil {
		t.Error(err)
	}
	d.lift()
}

// lift undoes all but a cut.
func (d *death) lift() {
	for _, undo := range d.undo {
		undo()
	}
	d.undo = nil
}

// set puts a fault into the edge until the region is revived.
func (d *death) set(t *testing.T, f edge.Fault) {
	t.Helper()
	f, err := suite.Edge().Set(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	d.undo = append(d.undo, func() {
		if err := suite.Edge().Lift(context.WithoutCancel(t.Context()), f.ID); err != nil {
			t.Error(err)
		}
	})
}

// beforeAnswer: ingest hangs on its queue when the region dies; the producer goes to the other one.
func beforeAnswer(t *testing.T, d *death, s []client.Signal) {
	d.set(t, edge.Fault{Caller: east, Function: loop.Name(prefix, loop.FuncIngestHTTP), Service: "sqs", Mode: edge.Hang})
	var no *client.NotAccepted
	if _, err := impatient(t, east, "alone").Send(t.Context(), s...); !errors.As(err, &no) {
		t.Fatalf("a region without queues accepted: %v", err)
	}
	cutEast(t)
	if _, err := hedged(t).Send(t.Context(), s...); err != nil {
		t.Fatal(err)
	}
}

// afterDecide: the effects lie in the dead region's actions queue.
func afterDecide(t *testing.T, d *death, s []client.Signal) {
	off := switchOff(t, east, loop.FuncAct)
	d.undo = append(d.undo, func() { switchOn(t, east, off) })
	send(t, east, "default", s...)
	until(t, time.Minute, func(ctx context.Context) error {
		visible, _, _, err := suite.queues.Depth(ctx, east, loop.QueueActions)
		if err == nil && visible < len(s) {
			err = fmt.Errorf("%d of %d effects are decided", visible, len(s))
		}
		return err
	})
	cutEast(t)
}

// afterClaim: the claims are written, but act never learns it, and dies.
func afterClaim(t *testing.T, d *death, s []client.Signal) {
	act := loop.Name(prefix, loop.FuncAct)
	d.set(t, edge.Fault{Caller: east, Function: act, Service: "dynamodb", Operation: "PutItem", Mode: edge.Lose})
	d.set(t, edge.Fault{Caller: east, Function: act, Service: "dynamodb", Operation: "GetItem", Mode: edge.Hang})
	send(t, east, "default", s...)
	claimed(t, s, "notify")
	cutEast(t)
}

// afterSend: the target has applied the request and is slow to say so; the commit finds no table any more.
func afterSend(t *testing.T, _ *death, s []client.Signal) {
	send(t, east, "default", s...)
	until(t, time.Minute, func(ctx context.Context) error {
		counts, err := received(ctx, "/late/death/")
		if err == nil && len(counts) == 0 {
			err = errors.New("nothing has arrived")
		}
		return err
	})
	cutEast(t)
}

// afterCommit: all is done when the region dies; the standby copies have nothing left to do.
func afterCommit(t *testing.T, _ *death, s []client.Signal) {
	send(t, east, "default", s...)
	done(t, time.Minute, s, "notify")
	cutEast(t)
}

func claimed(t *testing.T, s []client.Signal, rule string) {
	t.Helper()
	until(t, time.Minute, func(ctx context.Context) error {
		for _, one := range s {
			if _, err := suite.claims.Get(ctx, loop.EffectID(loop.SignalDecisionID(one.Key(), rule), "hook")); err != nil {
				return err
			}
		}
		return nil
	})
}

// What an effect costs in AWS calls, standby copy included: two writes of its claim and one of its output; a signal
// that no rule wants writes nothing.
func TestWritesPerEffect(t *testing.T) {
	drained(t, 60*time.Second, east, west)
	count := func(typ string, n int) (writes map[string]int64, again int64) {
		if err := suite.Edge().ResetCalls(t.Context()); err != nil {
			t.Fatal(err)
		}
		var s []client.Signal
		for i, one := range signals(t, typ, 2*n) {
			one.ID = fmt.Sprintf("%s/%s/%d", t.Name(), typ, i)
			if !loop.Sampled(one.Key()) && len(s) < n { // the ledger of one in a hundred is not meant
				s = append(s, one)
			}
		}
		send(t, east, "default", s...)
		drained(t, 60*time.Second, east, west)
		calls, err := suite.Edge().Calls(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if typ == "com.example.remember" {
			for _, one := range s { // on a busy machine an attempt may run out of time, and is made again
				_, n := unknown(t, loop.EffectID(loop.SignalDecisionID(one.Key(), "remember"), "write"))
				again += int64(n)
			}
		}
		writes = map[string]int64{}
		for _, c := range calls {
			if c.Service == "dynamodb" && (c.Function == loop.Name(prefix, loop.FuncAct) || c.Function == loop.Name(prefix, loop.FuncDecide) || c.Function == loop.Name(prefix, loop.FuncIngestHTTP)) {
				switch c.Operation {
				case "PutItem", "UpdateItem", "BatchWriteItem", "DeleteItem":
					writes[c.Operation] += c.Count
				}
			}
		}
		t.Logf("%d signals of %s: %v, %d attempts again", n, typ, writes, again)
		return writes, again
	}
	const n = 10
	if got, again := count("com.example.remember", n); got["PutItem"] > 2*(n+again) || got["UpdateItem"] > n+again || got["BatchWriteItem"] > 0 {
		t.Errorf("%d effects with an output wrote %v", n, got)
	}
	if got, _ := count("com.example.nobody", n); len(got) > 0 {
		t.Errorf("%d signals that no rule wants wrote %v", n, got)
	}
}
