package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/ledger"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/sweep"
)

// noted puts a ledger entry into a region's books; every table has it.
func (t *terminalOf) noted(region string, ago time.Duration, e ledger.Entry) {
	e.At = testNow.Add(-ago)
	for _, table := range []string{east, "us-west-2"} {
		t.cloud.put(table, ledger.Name(region, e.At), fmt.Sprintf("%s#%s#%s%s", e.Signal, e.Kind, e.Decision, e.Effect), e)
	}
}

func (t *terminalOf) swept(region string, ago time.Duration, overdue ...sweep.Overdue) {
	for _, table := range []string{east, "us-west-2"} {
		t.cloud.put(table, sweep.Name(region), sweep.Report, sweep.Pass{
			Region: region, Started: testNow.Add(-ago - time.Minute), Ended: testNow.Add(-ago), Scanned: 120, Deleted: 20, Parked: 1,
			OverdueCount: len(overdue), Overdue: overdue,
		})
	}
}

func TestBooksThatBalance(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.cloud.dead[east] = true // its books are read in its peer
	w.swept(east, 3*time.Hour)
	w.swept("us-west-2", 4*time.Hour)
	s := strings.Repeat("0", 64)
	w.noted(east, 5*time.Hour, ledger.Entry{Signal: s, Kind: ledger.Accepted})
	w.noted("us-west-2", 5*time.Hour, ledger.Entry{Signal: s, Kind: ledger.Through})
	w.noted("us-west-2", 5*time.Hour, ledger.Entry{Signal: s, Kind: ledger.Decided, Decision: "d", Effects: []string{"e"}})
	w.noted("us-west-2", 3*time.Hour, ledger.Entry{Signal: s, Kind: ledger.Ended, Effect: "e", Status: loop.StatusDone})
	w.noted(east, time.Minute, ledger.Entry{Signal: "young", Kind: ledger.Accepted})
	if code := w.run(t.Context(), "balance", "-c", testLoop); code != exitOK {
		t.Fatalf("exit %d: %s%s", code, w.out.String(), w.err.String())
	}
	golden(t, "balance", w.out.String())
}

func TestWhatIsMissingIsToldFromWhatIsStillTried(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.swept(east, time.Hour, sweep.Overdue{Kind: sweep.KindEffect, ID: strings.Repeat("9", 64), Rule: "cpu", Due: testNow.Add(-4 * time.Hour), Evidence: "503"})
	for i, what := range []string{"undecided", "unclaimed", "parked", "tried", "abandoned", "gap"} {
		s := fmt.Sprintf("%064d", i)
		w.noted(east, 2*time.Hour, ledger.Entry{Signal: s, Kind: ledger.Accepted})
		if what == "undecided" {
			continue
		}
		c := w.park(fmt.Sprintf("%d%d", i, i), "r", 2*time.Hour)
		w.noted(east, 2*time.Hour, ledger.Entry{Signal: s, Kind: ledger.Through})
		w.noted(east, 2*time.Hour, ledger.Entry{Signal: s, Kind: ledger.Decided, Decision: "d", Effects: []string{c.EffectID}})
		switch what {
		case "unclaimed":
			delete(w.cloud.claimed, c.EffectID)
			continue
		case "tried":
			c.Status, c.Effect.ExpireAfter = loop.StatusClaimed, loop.Duration(24*time.Hour)
		case "abandoned":
			c.Status = loop.StatusClaimed
		case "gap":
			c.Status = loop.StatusDone
		}
		w.cloud.claimed[c.EffectID] = c
	}
	if code := w.run(t.Context(), "balance", "-c", testLoop, "--region", east); code != exitProblem {
		t.Fatalf("exit %d: %s%s", code, w.out.String(), w.err.String())
	}
	golden(t, "balance missing", w.out.String())
	w.out.Reset()
	w.run(t.Context(), "balance", "-c", testLoop, "--region", east, "--json")
	var b balance
	if err := json.Unmarshal(w.out.Bytes(), &b); err != nil || len(b.Ledger.Lost) != 3 || len(b.Ledger.Open) != 2 || b.Ledger.Gaps != 1 || len(b.Sweeps[0].Overdue) != 1 {
		t.Errorf("%v: %s", err, w.out.String())
	}
}

func TestASweeperThatSleepsIsAProblem(t *testing.T) {
	t.Parallel()
	w := newTerminal()
	w.swept(east, staleSweep+time.Minute)
	if code := w.run(t.Context(), "balance", "-c", testLoop); code != exitProblem || !strings.Contains(w.out.String(), "schedule") {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
	w.swept("us-west-2", time.Hour) // one that sweeps is enough
	w.out.Reset()
	if code := w.run(t.Context(), "balance", "-c", testLoop); code != exitOK {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
	// A report that cannot be read is not one that was never written.
	w.cloud.docs[east+"|"+sweep.Name(east)+"|"+sweep.Report] = nil
	delete(w.cloud.docs, west+"|"+sweep.Name(west)+"|"+sweep.Report)
	w.out.Reset()
	w.run(t.Context(), "balance", "-c", testLoop)
	if out := w.out.String(); !strings.Contains(out, "sweep of us-east-2 cannot be read") || !strings.Contains(out, "sweep of us-west-2: none has ended yet") {
		t.Error(out)
	}
	w.cloud.dead[east], w.cloud.dead["us-west-2"] = true, true
	if code := w.run(t.Context(), "balance", "-c", testLoop); code != exitUnreachable {
		t.Errorf("exit %d", code)
	}
}
