package observe_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/region"
)

// state is what a table says that an observer wants of a region.
func (w *world) state(t *testing.T, table, name, writer string) (e region.Entry, ok bool) {
	t.Helper()
	raw, ok := w.docs[table+"|"+region.StateKey(name)][writer]
	if ok {
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
	}
	return e, ok
}

// minute lets every observer look once.
func (w *world) minute(t *testing.T, observers ...string) {
	t.Helper()
	for _, o := range observers {
		_, _ = w.observer(o).Run(t.Context()) // what cannot be written is another test's
	}
	w.now = w.now.Add(time.Minute)
	for _, region := range []string{east, west} {
		for _, table := range []string{east, west} {
			w.canary(table, region, 10*time.Second)
		}
	}
}

func TestARegionThatTwoFindIllIsDrainedAndComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.probed["https://east/v1/health"] = errDown
	w.minute(t, witness, west)
	e, ok := w.state(t, west, east, west)
	if !ok || e.State != region.Drained || e.By != west || e.Why == "" {
		t.Fatalf("two object, and the state is %+v, %v", e, ok)
	}
	if _, ok := w.state(t, west, east, witness); ok {
		t.Error("the first of them was alone and drained it")
	}
	if _, ok := w.state(t, west, west, west); ok {
		t.Error("the region that is well was touched")
	}
	delete(w.probed, "https://east/v1/health")
	returned := time.Duration(0)
	for range 20 {
		w.minute(t, witness, west, east)
		if returned += time.Minute; w.active(t, east) {
			break
		}
	}
	if !w.active(t, east) || returned < region.MinDrained || returned > region.MinDrained+2*time.Minute {
		t.Errorf("back after %s: %v", returned, w.active(t, east))
	}
}

func (w *world) active(t *testing.T, name string) bool {
	t.Helper()
	views, err := (region.Reader{Docs: w, Loop: []string{east, west}}).Views(t.Context(), west)
	if err != nil {
		t.Fatal(err)
	}
	return views[name].Now(w.now).State == region.Active
}

func TestALiarDrainsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for range 10 {
		w.minute(t, witness, west)
		w.probed["https://own/v1/health"], w.probed["https://east/v1/health"], w.probed["https://west/v1/health"] = errDown, errDown, errDown
		w.minute(t, east)
		clear(w.probed)
		if !w.active(t, east) || !w.active(t, west) {
			t.Fatal("one voice was enough")
		}
	}
}

func TestWhereOperatorsDrainObserversWriteNoState(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.probed["https://east/v1/health"] = errDown
	for _, name := range []string{witness, west, east} {
		o := w.observer(name)
		o.Operator = true
		if v, _ := o.Run(t.Context()); v[east].Healthy && name != east { // its own endpoint is another URL
			t.Error("it is to tell all the same")
		}
	}
	if _, ok := w.state(t, west, east, west); ok {
		t.Error("it was drained")
	}
	if w.published.Silent != 0 {
		t.Errorf("%d are silent, and all have spoken", w.published.Silent)
	}
}

// A chain may stand still while its queues look young and its endpoint answers.
func TestAChainThatNoCanaryPassesIsAnObjection(t *testing.T) {
	t.Parallel()
	lost := func(w *world, kind string) {
		for _, table := range []string{east, west} {
			delete(w.docs[table+"|"+loop.ReceiptKey(east)], kind)
		}
	}
	late := func(w *world, kind string) {
		for _, table := range []string{east, west} {
			w.canaryOf(kind, table, east, loop.DefaultBounds().ReceiptAge.Std()+1)
		}
	}
	for name, c := range map[string]struct {
		arrange func(*world)
		state   observe.State
		says    string
	}{
		"it came through": {func(*world) {}, observe.OK, "10s ago, took 800ms"},
		"just in time": {func(w *world) {
			w.canary(east, east, loop.DefaultBounds().ReceiptAge.Std())
			w.canary(west, east, loop.DefaultBounds().ReceiptAge.Std())
		}, observe.OK, ""},
		"one kind is overdue, by HTTP":       {func(w *world) { late(w, loop.KindHTTP) }, observe.Bad, "no http canary"},
		"one kind is overdue, by the inbox":  {func(w *world) { late(w, loop.KindQueue) }, observe.Bad, "no queue canary"},
		"one kind never came":                {func(w *world) { lost(w, loop.KindQueue) }, observe.Unknown, "no queue canary"},
		"one never came, another is overdue": {func(w *world) { lost(w, loop.KindQueue); late(w, loop.KindHTTP) }, observe.Bad, "no http canary"},
		"a kind that is not sent any more is old": {func(w *world) {
			w.canaryOf(loop.QueueSignals, east, east, time.Hour)
			w.canaryOf(loop.QueueSignals, west, east, time.Hour)
		}, observe.OK, "10s ago"},
		"overdue": {func(w *world) {
			w.canary(east, east, loop.DefaultBounds().ReceiptAge.Std()+1)
			w.canary(west, east, loop.DefaultBounds().ReceiptAge.Std()+1)
		}, observe.Bad, "1m15s ago"},
		"of a clock that is a little ahead": {func(w *world) { w.canary(east, east, -region.Fresh) }, observe.OK, ""},
		"from the future, and overdue":      {func(w *world) { late(w, loop.KindHTTP); w.canaryOf(loop.KindHTTP, west, east, -region.Fresh-1) }, observe.Bad, "no http canary"},
		"from the future only": {func(w *world) {
			w.canary(east, east, -time.Hour)
			w.canary(west, east, -time.Hour)
		}, observe.Unknown, "has come through yet"},
		"not replicated yet":            {func(w *world) { w.canary(west, east, loop.DefaultBounds().ReceiptAge.Std()+1) }, observe.OK, ""},
		"seen in the peer's table only": {func(w *world) { w.dead[east] = true }, observe.OK, ""},
		"never": {func(w *world) {
			delete(w.docs, east+"|"+loop.ReceiptKey(east))
			delete(w.docs, west+"|"+loop.ReceiptKey(east))
		}, observe.Unknown, "has come through yet"},
		"no table answers": {func(w *world) { w.dead[east], w.dead[west] = true, true }, observe.Unknown, errDown.Error()},
	} {
		w := newWorld()
		c.arrange(w)
		v := look(t, w, witness, east)
		if got := check(t, v, "canary"); got.State != c.state || !got.Votes || v.Healthy != (c.state != observe.Bad) || !strings.Contains(got.Value+", "+got.Detail, c.says) {
			t.Errorf("%s: %+v, healthy %v", name, got, v.Healthy)
		}
	}
}

func TestSilentObserversAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.minute(t, witness)
	if w.published.Silent != 2 {
		t.Errorf("%d are silent before anyone else has spoken", w.published.Silent)
	}
	w.minute(t, west, east)
	w.minute(t, witness)
	if w.published.Silent != 0 {
		t.Errorf("%d are silent, and all have spoken", w.published.Silent)
	}
	w.now = w.now.Add(region.Fresh)
	w.minute(t, west)
	w.minute(t, witness)
	if w.published.Silent != 1 {
		t.Errorf("%d are silent, want east alone", w.published.Silent)
	}
}

func TestAVerdictTellsSinceWhenItStands(t *testing.T) {
	t.Parallel()
	w := newWorld()
	start := w.now
	w.minute(t, witness)
	w.minute(t, witness)
	if v, _ := w.stored(t, east, east, witness); !v.Since.Equal(start) || v.At.Equal(start) {
		t.Errorf("at %s, since %s", v.At, v.Since)
	}
	w.now = w.now.Add(region.Fresh)
	w.minute(t) // nobody looked meanwhile
	w.minute(t, witness)
	if v, _ := w.stored(t, east, east, witness); !v.Since.Equal(v.At) {
		t.Errorf("after a gap: at %s, since %s", v.At, v.Since)
	}
}
