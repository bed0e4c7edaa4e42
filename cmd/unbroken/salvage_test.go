package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/salvage"
)

// stranded puts n first copies and a standby copy on a queue of us-west-2.
func (t *terminalOf) stranded(name string, n int) {
	for i := range n + 1 {
		body, err := loop.Encode(loop.Item{AcceptedAt: testNow, Input: "default", Standby: i == n, Signal: json.RawMessage(`{"source":"shop","id":"1"}`)})
		if err != nil {
			panic(err)
		}
		t.cloud.sent["us-west-2|"+name] = append(t.cloud.sent["us-west-2|"+name], loop.Outgoing{Body: body, Group: "default"})
	}
}

// later is when the drain has settled.
func (t *terminalOf) later(d time.Duration) {
	at := t.Now().Add(d)
	t.Now = func() time.Time { return at }
}

func TestADrainedRegionIsSalvagedByCommand(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.must(t, "drain", "us-west-2", "--reason", "x")
	w.later(salvage.Settle)
	w.stranded(loop.QueueSignals, 25)
	w.stranded(loop.QueueActions, 1)
	golden(t, "salvage", w.must(t, "salvage", "us-west-2"))
	if got := w.moved(east, loop.QueueSignals); len(got) != 25 || got[0].Standby || w.cloud.sent[east+"|"+loop.QueueSignals][0].Group != "default" {
		t.Errorf("%d moved: %+v", len(got), got)
	}
	// Repeated, it finds what stays.
	var again struct {
		To     string
		Queues []salvaged
	}
	if err := json.Unmarshal([]byte(w.must(t, "salvage", "us-west-2", "--json", "--to", east)), &again); err != nil {
		t.Fatal(err)
	}
	if len(again.Queues) != 3 || again.To != east || again.Queues[1].Moved != 0 || again.Queues[1].Left != 1 {
		t.Errorf("%+v", again)
	}
	trail, err := w.cloud.Query(t.Context(), east, "audit#"+east)
	if err != nil || !strings.Contains(string(trail[loop.TimeKey(w.Now())]), "salvage us-west-2 to us-east-2") {
		t.Errorf("%s, %v", trail, err)
	}
}

// Canaries of an hour lie before what a producer sent; whoever stopped at them would not come to it.
func TestASalvageGoesPastCanariesThatAreLate(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.must(t, "drain", "us-west-2", "--reason", "x")
	w.later(salvage.Settle)
	body, err := loop.Marshal(loop.Signal{ID: "1", Source: loop.CanarySource, Type: loop.CanaryType, Time: w.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	inbox := "us-west-2|" + loop.QueueInbox
	for range 10 * (enough + 1) {
		w.cloud.sent[inbox] = append(w.cloud.sent[inbox], loop.Outgoing{Body: body})
	}
	w.cloud.sent[inbox] = append(w.cloud.sent[inbox], loop.Outgoing{Body: []byte("event")})
	w.must(t, "salvage", "us-west-2")
	if got := w.cloud.sent[east+"|"+loop.QueueInbox]; len(got) != 1 || string(got[0].Body) != "event" || len(w.cloud.gone) != len(w.cloud.sent[inbox]) {
		t.Errorf("moved %q, %d of %d are gone", got, len(w.cloud.gone), len(w.cloud.sent[inbox]))
	}
}

// So do standby copies, as long as the region is drained.
func TestASalvageGoesPastStandbyCopies(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.must(t, "drain", "us-west-2", "--reason", "x")
	w.later(salvage.Settle)
	for range 60 {
		w.stranded(loop.QueueSignals, 0)
	}
	w.stranded(loop.QueueSignals, 1)
	w.must(t, "salvage", "us-west-2")
	if got := w.moved(east, loop.QueueSignals); len(got) != 1 || got[0].Standby || len(w.cloud.hidden) != 1 {
		t.Errorf("moved %+v; %d are still hidden", got, len(w.cloud.hidden)-1)
	}
}

// What fails at one queue keeps no other.
func TestASalvageTriesEveryQueue(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.must(t, "drain", "us-west-2", "--reason", "x")
	w.later(salvage.Settle)
	w.stranded(loop.QueueSignals, 1)
	w.stranded(loop.QueueActions, 1)
	w.cloud.dead["us-west-2|"+loop.QueueActions] = true
	if code := w.run(t.Context(), "salvage", "us-west-2", "-c", testLoop); code != exitUnreachable || !strings.Contains(w.out.String(), errDead.Error()) {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
	if got := w.moved(east, loop.QueueSignals); len(got) != 1 {
		t.Errorf("%d moved", len(got))
	}
}

func TestASalvageIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(w *terminalOf)
		args   []string
		code   int
		says   string
	}{
		"where the region takes signals": {func(*terminalOf) {}, nil, exitProblem, "not drained"},
		"until the drain has settled": {func(w *terminalOf) {
			w.must(t, "drain", "us-west-2", "--reason", "x")
			w.later(salvage.Settle - time.Second)
		}, nil, exitProblem, "has been drained for 1m59s"},
		"where nobody is well": {func(w *terminalOf) {
			w.must(t, "drain", "us-west-2", "--reason", "x")
			w.later(salvage.Settle)
			w.cloud.announce(east, "http://127.0.0.1:1")
		}, nil, exitProblem, "us-east-2 is unreachable"},
		"to itself":      {func(*terminalOf) {}, []string{"--to", "us-west-2"}, exitUsage, "--to"},
		"to the witness": {func(*terminalOf) {}, []string{"--to", "us-east-1"}, exitUsage, "--to"},
		"at no rate":     {func(*terminalOf) {}, []string{"--rate", "0"}, exitUsage, "--rate"},
		"where it is not audited": {func(w *terminalOf) {
			w.must(t, "drain", "us-west-2", "--reason", "x")
			w.later(salvage.Settle)
			w.cloud.dead[east] = true
		}, nil, exitUnreachable, "audited"},
	} {
		w := healthy(t)
		c.before(w)
		w.stranded(loop.QueueSignals, 1)
		w.err.Reset()
		if code := w.run(t.Context(), append([]string{"salvage", "us-west-2", "-c", testLoop}, c.args...)...); code != c.code || !strings.Contains(w.err.String(), c.says) {
			t.Errorf("%s: exit %d: %s", name, code, w.err.String())
		}
		if len(w.cloud.gone) > 0 {
			t.Errorf("%s: messages were taken", name)
		}
	}
	w := healthy(t)
	if code := w.run(t.Context(), "salvage", "us-east-1", "-c", testLoop); code != exitUsage {
		t.Errorf("the witness: exit %d", code)
	}
}

// The region dies in the middle: what was done is told, and nothing is gone.
func TestASalvageThatIsInterruptedTellsWhatItDid(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.must(t, "drain", "us-west-2", "--reason", "x")
	w.later(salvage.Settle)
	w.stranded(loop.QueueActions, 30)
	w.Wait = func(context.Context, time.Duration) error { w.cloud.dead["us-west-2"] = true; return nil }
	if code := w.run(t.Context(), "salvage", "us-west-2", "-c", testLoop); code != exitUnreachable || !strings.Contains(w.out.String(), errDead.Error()) {
		t.Errorf("exit %d: %s", code, w.out.String())
	}
	if got := w.moved(east, loop.QueueActions); len(got) != 10 || len(w.cloud.gone) != 10 {
		t.Errorf("%d moved, %d deleted", len(got), len(w.cloud.gone))
	}
}
