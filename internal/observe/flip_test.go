package observe_test

import (
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
)

// Observers that flip a region at once, each by its own clock, tell of one drain and one return, and so does one that sees
// the flip later; the next ones are others.
func TestAFlipIsOneSignalWhoeverTells(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newPost(w)
	ids := map[string]map[string]int{loop.TypeRegionDrained: {}, loop.TypeRegionReturned: {}}
	minute := func() {
		run(t, w, w.telling(witness, p))
		w.now = w.now.Add(-time.Minute)
		first := w.telling(east, p)
		first.Docs = &between{world: w, of: region.StateKey(""), do: func() {
			w.now = w.now.Add(3 * time.Millisecond)
			_, _ = w.telling(witness, p).Run(t.Context())
		}}
		now := w.now
		first.Now = func() time.Time { return now }
		_, _ = first.Run(t.Context())
		third := w.telling(west, p)
		third.Endpoint = "https://west"
		run(t, w, third)
		for _, table := range []string{east, west} {
			for _, n := range of(p.take(t, w, table), west) {
				ids[n.typ][n.id]++
			}
		}
	}
	for i := range 2 {
		w.probed["https://west/v1/health"] = errDown
		for range 20 {
			minute()
		}
		clear(w.probed)
		for range 20 {
			minute()
		}
		for typ, each := range ids {
			if len(each) != i+1 {
				t.Errorf("after flip %d: %s under %v", i+1, typ, each)
			}
			for _, n := range each {
				if n < 3 {
					t.Errorf("%d of three observers told of %s: the test is about what several tell", n, typ)
				}
			}
		}
		if both := w.docs[east+"|"+region.StateKey(west)]; len(both) < 2 {
			t.Errorf("only %v flipped", both)
		}
	}
}

// A region that is taken out of the file is looked at no more, and nothing of it stays open: whoever waits for its recovery
// would wait for ever.
func TestNothingOfARemovedRegionStaysOpen(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newPost(w)
	observers := func() []*observe.Observer { return []*observe.Observer{w.telling(east, p), w.telling(witness, p)} }
	w.minute(t, west) // it has spoken, and is silent from then on
	w.probed["https://west/v1/health"] = errDown
	w.announce(east, west, `{"url":"https://west"}`)
	for range 5 {
		for _, o := range observers() {
			_, _ = o.Run(t.Context())
		}
		w.minute(t)
	}
	open := map[string]int{}
	for _, n := range p.take(t, w, east) {
		open[n.typ+" "+n.subject]++
	}
	bad := map[string]int{
		loop.TypeCheckBad + " " + west + "/endpoint": 2, loop.TypeRegionDrained + " " + west: 2, loop.TypeObserverSilent + " observer/" + west: 2,
	}
	if fmt.Sprint(open) != fmt.Sprint(bad) {
		t.Fatalf("told %v, want %v", open, bad)
	}
	for i := range 2 {
		ids := map[string]map[string]bool{}
		for _, o := range observers() {
			o.Loop, o.All = []string{east}, []string{east, witness}
			_, _ = o.Run(t.Context())
		}
		for _, n := range p.take(t, w, east) {
			if ids[n.typ+" "+n.subject] == nil {
				ids[n.typ+" "+n.subject] = map[string]bool{}
			}
			ids[n.typ+" "+n.subject][n.id] = true
		}
		recovered, returned, heard := ids[loop.TypeCheckRecovered+" "+west+"/endpoint"], ids[loop.TypeRegionReturned+" "+west], ids[loop.TypeObserverHeard+" observer/"+west]
		if i == 0 && (len(ids) != 3 || len(recovered) != 2 || len(returned) != 1 || len(heard) != 1) {
			t.Errorf("told %v", ids)
		}
		if i > 0 && len(ids) > 0 {
			t.Errorf("told again: %v", ids)
		}
		w.minute(t)
	}
	for _, from := range []string{east, witness} {
		if told := string(w.docs[east+"|"+loop.ToldKey(from)]["v"]); told != "{}" {
			t.Errorf("%s has open %s", from, told)
		}
	}
}
