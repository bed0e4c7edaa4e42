//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/local"
)

// ended sends signals of a rule, one after the other, until one's effect ends as wanted: what people switch acts within
// seconds (a silence loop.SilenceLead after it was made), not at once. It returns the signal.
func ended(t *testing.T, rule string, from int, status loop.Status, evidence string) client.Signal {
	t.Helper()
	const most = 1000
	var last loop.Claim
	began := time.Now()
	for _, s := range signals(t, "com.example."+rule, from+most)[from:] {
		if time.Since(began) > 4*loop.SilenceLead {
			break
		}
		send(t, east, "kept", s)
		until(t, time.Minute, func(ctx context.Context) (err error) {
			last, err = suite.claims.Get(ctx, loop.EffectID(loop.SignalDecisionID(s.Key(), rule), "hook"))
			if err == nil && !last.Status.Terminal() {
				err = fmt.Errorf("it is %s", last.Status)
			}
			return err
		})
		if last.Status == status && strings.Contains(last.Evidence, evidence) {
			return s
		}
	}
	t.Fatalf("none of the signals of %s ended as %s (%s); the last is %s: %s", time.Since(began), status, evidence, last.Status, last.Evidence)
	return client.Signal{}
}

// told is what `unbroken explain` says of a signal's one effect.
func told(t *testing.T, s client.Signal) (e struct {
	Status   loop.Status
	Evidence string
	Why      loop.Why
},
) {
	t.Helper()
	out := struct{ Effects []any }{[]any{&e}}
	if exit, err := asked(t.Context(), &out, "explain", s.ID, "--source", s.Source); err != nil || exit != 0 || len(out.Effects) != 1 {
		t.Fatalf("exit %d, %v: %+v", exit, err, out)
	}
	if len(e.Why.Bundle) != 64 || e.Why.ID != s.ID {
		t.Errorf("why: %+v", e.Why)
	}
	return e
}

func TestAKilledRuleSendsNothingUntilItIsRevived(t *testing.T) {
	unbroken(t, "kill", "switched", "--reason", "the suite's own")
	stopped := ended(t, "switched", 0, loop.StatusSuppressed, "the suite's own")
	unbroken(t, "revive", "switched", "--reason", "well again")
	sent := ended(t, "switched", 1000, loop.StatusDone, "")
	drained(t, 60*time.Second, east, west)
	counts, err := received(t.Context(), "/switched/"+t.Name())
	if err != nil {
		t.Fatal(err)
	}
	hook := func(s client.Signal) string { return loop.EffectID(loop.SignalDecisionID(s.Key(), "switched"), "hook") }
	if counts[hook(stopped)] != 0 || counts[hook(sent)] == 0 {
		t.Errorf("stopped: %d requests, sent: %d", counts[hook(stopped)], counts[hook(sent)])
	}
	if e := told(t, stopped); e.Status != loop.StatusSuppressed || !strings.Contains(e.Evidence, "the suite's own") {
		t.Errorf("stopped: %+v", e)
	}
	if e := told(t, sent); e.Status != loop.StatusDone || len(e.Why.Values) != 1 || !strings.Contains(string(sent.Data), `"value": `+e.Why.Values[0].Value+",") {
		t.Errorf("sent: %+v", e)
	}
}

func TestASilenceSuppressesWhatItMatchesUntilItEnds(t *testing.T) {
	var added struct{ ID string }
	if exit, err := asked(t.Context(), &added, "silence", "add", "--match", "rule=switched", "--match", "key="+t.Name(), "--for", "5m", "--reason", "an upgrade"); err != nil || exit != 0 || added.ID == "" {
		t.Fatalf("exit %d, %v: %+v", exit, err, added)
	}
	muted := ended(t, "switched", 0, loop.StatusSuppressed, "an upgrade")
	if e := told(t, muted); !strings.Contains(e.Evidence, "key="+t.Name()) {
		t.Errorf("muted: %+v", e)
	}
	unbroken(t, "silence", "end", added.ID)
	ended(t, "switched", 1000, loop.StatusDone, "")
	drained(t, 60*time.Second, east, west)
	counts, err := received(t.Context(), "/switched/"+t.Name())
	if err != nil {
		t.Fatal(err)
	}
	if n := counts[loop.EffectID(loop.SignalDecisionID(muted.Key(), "switched"), "hook")]; n != 0 {
		t.Errorf("what was silenced was sent %d times", n)
	}
}

func TestNothingIsSentBeforeItIsApproved(t *testing.T) {
	s := signals(t, "com.example.asked", 1)
	effect := loop.EffectID(loop.SignalDecisionID(s[0].Key(), "asked"), "hook")
	send(t, east, "kept", s...)
	until(t, time.Minute, func(ctx context.Context) error {
		c, err := suite.claims.Get(ctx, effect)
		if err == nil && !c.WaitsForApproval() {
			err = fmt.Errorf("it is %s", c.Status)
		}
		return err
	})
	drained(t, 60*time.Second, east, west) // the standby copy has been through, too
	counts, err := received(t.Context(), "/asked/"+t.Name())
	if err != nil || counts[effect] != 0 {
		t.Fatalf("%v, %d requests before it was approved", err, counts[effect])
	}
	unbroken(t, "approve", effect, "--why", "the suite")
	until(t, time.Minute, func(ctx context.Context) error {
		c, err := suite.claims.Get(ctx, effect)
		if err == nil && (c.Status != loop.StatusDone || c.ApprovedBy == "") {
			err = fmt.Errorf("it is %s, approved by %q", c.Status, c.ApprovedBy)
		}
		return err
	})
	if counts, err = received(t.Context(), "/asked/"+t.Name()); err != nil {
		t.Fatal(err)
	}
	single(t, effect, counts[effect])
}

// What came in through an archived input lies in the bucket of its region, and a backtest reads it.
func TestWhatCameInIsArchived(t *testing.T) {
	s := signals(t, "com.example.switched", 3)
	send(t, west, "kept", s...)
	prefix := "s3://" + loop.ArchiveBucket(prefix, local.Account, west) + "/archive/" + west + "/kept/"
	until(t, time.Minute, func(ctx context.Context) error {
		var read struct {
			Signals int
			PerRule []struct {
				Rule string
				New  int
			}
		}
		if _, err := asked(ctx, &read, "backtest", prefix); err != nil {
			return err
		}
		for _, r := range read.PerRule {
			if r.Rule == "switched" && r.New >= len(s) {
				return nil
			}
		}
		return fmt.Errorf("%+v", read)
	})
}
