package observe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
)

// news is what lies on a region's queue.
type news struct {
	typ, subject, id string
	standby          bool
	delay            time.Duration
	at               time.Time
}

// post is the queues that observers tell, which may be down.
type post struct {
	*mem.Queues
	down map[string]bool
}

func newPost(w *world) *post {
	p := &post{down: map[string]bool{}}
	p.Queues = mem.NewQueues(mem.QueuesConfig{Now: func() time.Time { return w.now }, Fault: func(op mem.Op) error {
		if p.down[op.Region] {
			return errDown
		}
		return nil
	}})
	return p
}

// telling is an observer whose findings some rule hears.
func (w *world) telling(from string, p *post, types ...string) *observe.Observer {
	o := w.observer(from)
	o.Teller = &observe.Teller{Queue: p.From(from), StandbyDelay: 20 * time.Second, Hears: func(typ string) bool {
		return len(types) == 0 || slices.Contains(types, typ)
	}}
	return o
}

// take empties a region's queue.
func (p *post) take(t *testing.T, w *world, region string) (all []news) {
	t.Helper()
	delays := map[string]time.Duration{}
	for _, l := range p.Lying(region, loop.QueueSignals) {
		delays[string(l.Body)] = l.Visible.Sub(w.now)
	}
	then := w.now
	w.now = w.now.Add(time.Minute)
	defer func() { w.now = then }()
	for _, d := range p.Receive(region, loop.QueueSignals, 100) {
		p.Ack(region, loop.QueueSignals, d.Receipt)
		var e loop.Envelope
		if err := json.Unmarshal(d.Body, &e); err != nil {
			t.Fatal(err)
		}
		for _, item := range e.Items {
			var s loop.Signal
			if err := json.Unmarshal(item.Signal, &s); err != nil || s.Source != loop.WatcherSource || item.Input != loop.FuncObserver || item.AcceptedAt.After(then) {
				t.Fatalf("%s: %v", item.Signal, err)
			}
			all = append(all, news{s.Type, s.Subject, s.ID, item.Standby, delays[string(d.Body)], s.Time})
		}
	}
	return all
}

func run(t *testing.T, w *world, o *observe.Observer) {
	t.Helper()
	_, _ = o.Run(t.Context()) // what could not be written is another test's
	w.now = w.now.Add(time.Minute)
	for _, table := range []string{east, west} {
		w.canary(table, east, 10*time.Second)
		w.canary(table, west, 10*time.Second)
	}
}

// of leaves those of one subject.
func of(all []news, subject string) []news {
	return slices.DeleteFunc(all, func(n news) bool { return n.subject != subject })
}

// A check that turns is told once, when it turns bad and when it recovers; not when it cannot be seen. Each region that
// is well gets it, the nearest at once and the other as the standby copy.
func TestOnlyWhatTurnsIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newPost(w)
	o := w.telling(east, p)
	subject := west + "/" + deadLetters
	for i, step := range []struct {
		arrange func()
		want    string
	}{
		{func() {}, ""},
		{func() { w.letters[west+"|"+deadLetters] = 2 }, loop.TypeCheckBad},
		{func() {}, ""},
		{func() { w.letters[west+"|"+deadLetters] = 3 }, ""},
		{func() { w.dead[west] = true }, ""},                 // not seen is not recovered
		{func() { w.dead[west] = false }, loop.TypeCheckBad}, // others may have closed it meanwhile
		{func() {}, ""},
		{func() { clear(w.letters) }, loop.TypeCheckRecovered},
		{func() {}, ""},
		{func() { w.letters[west+"|"+deadLetters] = 2 }, loop.TypeCheckBad},
	} {
		step.arrange()
		run(t, w, o)
		here, there := of(p.take(t, w, east), subject), of(p.take(t, w, west), subject)
		if step.want == "" {
			if len(here)+len(there) > 0 {
				t.Errorf("step %d told %v, %v", i, here, there)
			}
			continue
		}
		if len(here) != 1 || here[0].typ != step.want || here[0].standby || here[0].delay > 0 {
			t.Errorf("step %d told the own region %+v", i, here)
		}
		if len(there) != 1 || there[0].id != here[0].id || !there[0].standby {
			t.Errorf("step %d told the other region %+v", i, there)
		}
	}
}

// A region that is ill must not swallow the news of it.
func TestARegionThatIsIllIsNotToldOfItself(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newPost(w)
	w.probed["https://own/v1/health"] = errDown
	run(t, w, w.telling(east, p))
	if here, there := p.take(t, w, east), of(p.take(t, w, west), east+"/endpoint"); len(here) != 0 || len(there) != 1 || there[0].standby {
		t.Errorf("%v, %v", here, there)
	}
	// Where none is well, all are told.
	w.probed["https://west/v1/health"] = errDown
	run(t, w, w.telling(east, p))
	if here, there := of(p.take(t, w, east), west+"/endpoint"), of(p.take(t, w, west), west+"/endpoint"); len(here) != 1 || len(there) != 1 {
		t.Errorf("%v, %v", here, there)
	}
}

// What could not be sent, or not be noted, is told by the next run under the same id; one copy is enough.
func TestNewsIsToldUntilItIsSent(t *testing.T) {
	t.Parallel()
	subject := east + "/" + deadLetters
	w := newWorld()
	p := newPost(w)
	o := w.telling(witness, p)
	w.letters[east+"|"+deadLetters] = 1
	p.down[east], p.down[west] = true, true
	run(t, w, o)
	p.down[west] = false
	run(t, w, o)
	first := of(p.take(t, w, west), subject)
	if len(first) != 1 || first[0].typ != loop.TypeCheckBad {
		t.Fatalf("%v", first)
	}
	run(t, w, o)
	if again := of(p.take(t, w, west), subject); len(again) != 0 {
		t.Errorf("told again: %v", again)
	}

	// It dies between sending and noting it.
	w = newWorld()
	p = newPost(w)
	o = w.telling(witness, p)
	w.letters[east+"|"+deadLetters] = 1
	o.Docs = forgetful{w}
	run(t, w, o)
	o.Docs = w
	run(t, w, o)
	told := of(p.take(t, w, west), subject)
	if len(told) != 2 || told[0].id != told[1].id {
		t.Errorf("%v", told)
	}
}

// forgetful cannot note what was told.
type forgetful struct{ *world }

func (f forgetful) Put(ctx context.Context, table, pk, sk string, doc any, keep time.Duration) error {
	if strings.HasPrefix(pk, loop.ToldKey("")) {
		return errDown
	}
	return f.world.Put(ctx, table, pk, sk, doc, keep)
}

// What was told and cannot be read in one table is read in the next: what is bad is not told again, and what recovers is.
func TestWhatWasToldIsReadWhereItCanBe(t *testing.T) {
	t.Parallel()
	subject := west + "/" + deadLetters
	w := newWorld()
	p := newPost(w)
	o := w.telling(east, p)
	w.letters[west+"|"+deadLetters] = 1
	run(t, w, o)
	p.take(t, w, east)
	w.docs[east+"|"+loop.ToldKey(east)]["v"] = nil
	clear(w.letters)
	run(t, w, o)
	if told := of(p.take(t, w, east), subject); len(told) != 1 || told[0].typ != loop.TypeCheckRecovered {
		t.Errorf("%v", told)
	}
	// In none: what is bad now is told.
	for _, table := range []string{east, west} {
		w.docs[table+"|"+loop.ToldKey(east)]["v"] = nil
	}
	w.letters[west+"|"+deadLetters] = 1
	run(t, w, o)
	if told := of(p.take(t, w, east), subject); len(told) != 1 || told[0].typ != loop.TypeCheckBad {
		t.Errorf("%v", told)
	}
}

// What no rule hears costs nothing.
func TestWhatNoRuleHearsIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newPost(w)
	w.letters[east+"|"+deadLetters] = 1
	run(t, w, w.telling(witness, p, loop.TypeRegionDrained))
	run(t, w, w.observer(witness))
	if all := append(p.take(t, w, east), p.take(t, w, west)...); len(all) != 0 {
		t.Errorf("%v", all)
	}
}

// A silent observer is told of by both others with one id, and so is its return.
func TestASilentObserverIsOneSignal(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := newPost(w)
	both := []*observe.Observer{w.telling(witness, p), w.telling(east, p)}
	run(t, w, w.observer(west))
	ids := map[string]map[string]bool{}
	for i := range 8 {
		for _, o := range both {
			_, _ = o.Run(t.Context())
		}
		w.now = w.now.Add(time.Minute)
		if i == 5 {
			run(t, w, w.observer(west))
		}
		for _, n := range of(p.take(t, w, west), "observer/"+west) {
			if ids[n.typ] == nil {
				ids[n.typ] = map[string]bool{}
			}
			ids[n.typ][n.id] = true
		}
	}
	if len(ids[loop.TypeObserverSilent]) != 1 || len(ids[loop.TypeObserverHeard]) != 1 {
		t.Errorf("%v", ids)
	}
}

// Three observers see one region fail, and tell of it through the real decide and act of the region that is well: the
// rules of the world make one page of each thing.
func TestThreeObserversMakeOnePage(t *testing.T) {
	t.Parallel()
	c := newChain(t, rand.New(rand.NewPCG(5, 7)))
	for name, o := range c.observe {
		o.Teller = &observe.Teller{Queue: c.queues.From(name), StandbyDelay: 20 * time.Second, Hears: func(string) bool { return true }}
	}
	for range 150 {
		c.second(t)
	}
	if len(c.pages) != 0 {
		t.Fatalf("paged although all is well: %v", c.pages)
	}
	c.stuck[west+"/decide"] = true
	for range 300 {
		c.second(t)
	}
	const ill, clear, left = "page https://page.example.com/ill/us-west-2%2Fcanary", "clear https://page.example.com/ill/us-west-2%2Fcanary", "page https://page.example.com/left/us-west-2"
	if want := map[string]int{ill: 1, left: 1}; fmt.Sprint(c.pages) != fmt.Sprint(want) {
		t.Errorf("paged %v, want %v", c.pages, want)
	}
	c.stuck[west+"/decide"] = false
	for range 300 {
		c.second(t)
	}
	if want := map[string]int{ill: 1, left: 1, clear: 1}; fmt.Sprint(c.pages) != fmt.Sprint(want) {
		t.Errorf("paged %v, want %v", c.pages, want)
	}
}
