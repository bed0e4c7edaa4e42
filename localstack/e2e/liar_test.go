//go:build e2e && linux

package e2e

import (
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
)

// FAULTS 42: one observer says that everything is down, and then nobody else is left to say otherwise. No state changes, DNS
// answers what it answered, each region pages for its silent observer, and who waits outside for their heartbeat hears nothing.
func TestALiarAmongDeadObserversFlipsNothing(t *testing.T) {
	if !drains {
		t.Skip("observers drain in a world of their own: make test-drains")
	}
	w := watching(t)
	w.well(t, 4*time.Minute, east, west, third)
	w.forget(t, east, west, third) // what an earlier test left
	resolves(t, time.Minute, east)
	suite.heartbeat.heard(t, 3)
	for _, name := range []string{east, west, third} {
		if err := suite.Unschedule(t.Context(), name, loop.Name(prefix, loop.FuncObserver)); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	again := time.NewTicker(10 * time.Second)
	defer again.Stop()
	for time.Since(began) < region.Fresh+time.Minute { // for a minute the liar is the only one who is heard
		for _, judged := range []string{east, west, third} {
			lie := observe.Verdict{Region: judged, Observer: third, At: time.Now(), Since: began, Checks: []observe.Check{{Name: "endpoint", State: observe.Bad, Votes: true}}}
			for _, table := range []string{east, west, third} {
				if err := w.docs.Put(t.Context(), table, region.VerdictKey(judged), third, lie, time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			healthy(t, judged)
		}
		resolves(t, 5*time.Second, east)
		states, err := w.states(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, e := range states {
			if e.State != region.Active {
				t.Fatalf("%s is %s: %s", name, e.State, e.Why)
			}
		}
		<-again.C
	}
	if late := suite.heartbeat.since(began.Add(time.Minute)); late != 0 {
		t.Errorf("the heartbeat was heard %d times when no observer ran", late)
	}
	views, err := w.reader.Views(t.Context(), third)
	if err != nil || views[east].Objections(time.Now()) != 1 {
		t.Errorf("%d object to the region, want the liar; %v", views[east].Objections(time.Now()), err)
	}
	for _, name := range []string{east, west, third} {
		w.paged(t, name, "observers-silent")
	}
}
