package salvage_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/salvage"
)

func acceptedAt(it loop.Item, at time.Time) loop.Item { it.AcceptedAt = at; return it }

// Claims outlive every message of their effect, and rest on how long one lives in a queue: nothing is renewed beyond that. A
// standby copy is deleted then; what nobody can read, and all that is no copy, is what it would be without salvage.
func TestNothingIsRenewedBeyondItsRetention(t *testing.T) {
	t.Parallel()
	young, old := noon.Add(time.Second-loop.SourceRetention), noon.Add(-loop.SourceRetention)
	aged := func(at time.Time) loop.Item { return acceptedAt(standby(effect("e")), at) }
	const renewed, deleted, asItIs = "renewed", "deleted", "as it is"
	for name, c := range map[string]struct {
		msg  loop.Outgoing
		want string
	}{
		"a copy":                             {message(aged(young)), renewed},
		"an old copy":                        {message(aged(old)), deleted},
		"two":                                {message(aged(old), aged(old)), deleted},
		"one beside a young one":             {message(aged(old), aged(young)), asItIs},
		"one beside a first copy":            {message(aged(old), acceptedAt(effect("f"), old)), asItIs},
		"a copy of nobody knows when":        {message(aged(time.Time{})), asItIs},
		"what is no envelope":                {loop.Outgoing{Body: []byte("x")}, asItIs},
		"one of a version that is not known": {loop.Outgoing{Body: []byte(`{"v":99,"items":[]}`)}, asItIs},
		"a copy of such a version":           {loop.Outgoing{Body: []byte(`{"v":99,"items":[{"standby":true,"acceptedAt":"2020-01-01T00:00:00Z"}]}`)}, asItIs},
	} {
		w := lastingQueues(nil, nil)
		w.put(t, loop.QueueSignals, c.msg)
		pass := func() salvage.Pass {
			p, err := w.pass(t.Context(), west, loop.QueueSignals, 10)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		for range salvage.Renew - 1 {
			if p := pass(); p.Done != (salvage.Done{Stayed: 1}) {
				t.Errorf("%s: %+v", name, p)
			}
		}
		p, left := pass(), w.Receive(east, loop.QueueSignals, 10)
		got := asItIs
		switch {
		case len(left) == 0 && p.Expired == 1 && p.Stayed == 0:
			got = deleted
		case len(left) == 1 && left[0].Receives < salvage.Renew && p.Expired == 0:
			got = renewed
		}
		if got != c.want {
			t.Errorf("%s: %s, %+v", name, got, p)
		}
	}
}

// A drain of weeks: nothing that stays lives longer than its time in the queue, or becomes a dead letter of that.
func TestNoCopyLivesForEver(t *testing.T) {
	t.Parallel()
	w := lastingQueues(nil, nil)
	w.put(t, loop.QueueSignals, message(standby(signal("a"))))
	w.put(t, loop.QueueActions, message(standby(effect("a"))))
	s := w.worker(nil)
	expired := 0
	for w.now.Before(noon.Add(loop.SourceRetention + time.Hour)) {
		if got := len(w.lying(east, loop.QueueSignals)) + len(w.lying(east, loop.QueueActions)); got != 2 && w.now.Before(noon.Add(loop.SourceRetention)) {
			t.Fatalf("%d are left after %s", got, w.now.Sub(noon))
		}
		d, err := w.run(t, s)
		if err != nil {
			t.Fatal(err)
		}
		expired += d.Expired
	}
	if left := len(w.lying(east, loop.QueueSignals)) + len(w.lying(east, loop.QueueActions)); expired != 2 || left > 0 || w.dead() > 0 {
		t.Errorf("%d expired, %d are left, %d dead letters", expired, left, w.dead())
	}
}

// beating is a canary on signals, landing its effect on actions.
func beating(at time.Time) loop.Item {
	raw, err := loop.Marshal(loop.Signal{ID: "c", Source: loop.CanarySource, Type: loop.CanaryType, Time: at})
	if err != nil {
		panic(err)
	}
	return loop.Item{AcceptedAt: at, Input: "http", Signal: json.RawMessage(raw)}
}

func landing(at time.Time) loop.Item {
	return loop.Item{AcceptedAt: at, Input: "http", Effect: &loop.Effect{ID: "c", RuleID: loop.CanaryRule}}
}

// Canaries that nobody waits for any more are dropped wherever they lie; what travels with them never is.
func TestCanariesThatAreLateAreDropped(t *testing.T) {
	t.Parallel()
	late, last := noon.Add(-loop.CanaryKeep-time.Second), noon.Add(-loop.CanaryKeep)
	other := beating(late)
	other.Signal = json.RawMessage(`{"source":"` + loop.CanarySource + `","type":"x","time":"2020-01-01T00:00:00Z"}`)
	for name, c := range map[string]struct {
		queue string
		msg   loop.Outgoing
		drops bool
	}{
		"a late canary":                  {loop.QueueSignals, message(beating(late)), true},
		"one that may come through":      {loop.QueueSignals, message(beating(last)), false},
		"two":                            {loop.QueueSignals, message(beating(late), beating(late)), true},
		"one beside one in time":         {loop.QueueSignals, message(beating(late), beating(last)), false},
		"one beside a signal":            {loop.QueueSignals, message(beating(late), signal("a")), false},
		"what has its source alone":      {loop.QueueSignals, message(other), false},
		"a late effect":                  {loop.QueueActions, message(landing(late)), true},
		"one that may land":              {loop.QueueActions, message(landing(last)), false},
		"one beside an effect":           {loop.QueueActions, message(landing(late), effect("a")), false},
		"another's late effect":          {loop.QueueActions, message(acceptedAt(standby(effect("a")), late)), false},
		"an effect of nobody knows when": {loop.QueueActions, message(landing(time.Time{})), false},
	} {
		w := newWorld(nil)
		w.put(t, c.queue, c.msg)
		p, err := w.pass(t.Context(), west, c.queue, 10)
		want := salvage.Done{Stayed: 1}
		if c.drops {
			want = salvage.Done{Dropped: 1}
		}
		if left := len(w.lying(east, c.queue)); err != nil || p.Done != want || left != want.Stayed {
			t.Errorf("%s: %+v, %v, %d left", name, p.Done, err, left)
		}
	}
}

// Where decide has been dead for half a day, its canaries do not hold up what only this region has.
func TestCanariesOfHalfADayHoldNothingUp(t *testing.T) {
	t.Parallel()
	running := false
	var w *world
	w = lastingQueues(func(op mem.Op) error {
		if running && op.Name == "Receive" && op.When == mem.Before {
			w.now = w.now.Add(80 * time.Millisecond)
		}
		return nil
	}, nil)
	const canaries = 12 * 360
	for i := range canaries {
		w.put(t, loop.QueueSignals, message(beating(noon.Add(time.Duration(i-canaries)*10*time.Second))))
	}
	for i := range 10 {
		w.put(t, loop.QueueSignals, message(signal(fmt.Sprint(i))))
	}
	s := w.worker(nil)
	running = true
	for range 3 {
		began := w.now
		if _, err := w.run(t, s); err != nil {
			t.Fatal(err)
		}
		w.now = began.Add(time.Minute)
	}
	if here, there := len(w.lying(east, loop.QueueSignals)), len(w.lying(west, loop.QueueSignals)); here > 0 || there != 10 {
		t.Errorf("%d are here, %d there", here, there)
	}
}
