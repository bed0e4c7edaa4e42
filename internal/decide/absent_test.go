package decide_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

const absentRule = `
inputs: {default: {kind: http}}
rules:
  - id: r
    match: {type: [a]}
    key: signal.subject
    window: {absent: %s, lateness: 30s}
    do: [{step: s, action: s}]
    undo: [{step: s, action: s}]
actions:
  s: {to: output, effect: native, output: "s/{{ key }}", value: "{{ signal.subject }} since {{ has(signal.data.since) ? signal.data.since : '' }}"}
`

// watched are regions whose queues are worked off as time goes by.
type watched struct {
	*regions
	t    rapid.TB
	ring []string // each region's peer is the next one
	dead map[string]bool
	legs int // messages on `signals` that were received
}

func watch(t rapid.TB, absent string, fault mem.Fault, ring ...string) *watched {
	if len(ring) == 0 {
		ring = []string{"a", "b"}
	}
	w := &watched{regions: newRegions(setOf(t, fmt.Sprintf(absentRule, absent)), true, deaf{}), t: t, ring: ring, dead: map[string]bool{}}
	set := setOf(t, fmt.Sprintf(absentRule, absent))
	w.episodes = mem.NewEpisodes(fault)
	w.queues = mem.NewQueues(mem.QueuesConfig{Now: func() time.Time { return w.now }, Visibility: time.Minute, Fault: fault})
	w.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: ring, Now: func() time.Time { return w.now }, Immediate: true})
	for _, region := range ring {
		w.handlers[region] = decide.New(decide.Config{
			Region: region, Peer: loop.Peer(ring, region), StandbyDelay: 20 * time.Second, Set: set, Queue: w.queues.From(region), Recorder: deaf{},
			Now: func() time.Time { return w.now }, Backoff: func(int) time.Duration { return time.Second },
			Windows: mem.NewWindows(w.tables, region), Episodes: w.episodes.In(region),
		})
	}
	return w
}

// send accepts a signal now: in region, and as a standby copy in its peer.
func (w *watched) send(region string, s sample) {
	peer := loop.Peer(w.ring, region)
	for to, delay := range map[string]time.Duration{region: 0, peer: 20 * time.Second} {
		it := item("a", s.id, fmt.Sprint(s.value), delay > 0)
		it.AcceptedAt = w.now
		body, err := loop.Encode(it)
		if err != nil {
			w.t.Fatal(err)
		}
		w.queues.Send(context.Background(), to, loop.QueueSignals, []loop.Outgoing{{Body: body, Delay: delay}})
	}
}

// until lets time go by, second for second.
func (w *watched) until(at int) {
	for ; !w.now.After(second(at)); w.now = w.now.Add(time.Second) {
		for _, region := range w.ring {
			if w.dead[region] {
				continue
			}
			for _, d := range w.queues.Receive(region, loop.QueueSignals, 10) {
				w.legs++
				if len(w.handlers[region].Handle(context.Background(), []loop.Message{d.Message})) == 0 {
					w.queues.Ack(region, loop.QueueSignals, d.Receipt)
				}
			}
		}
	}
}

// A region may get a tick before the signal that it is counted from has been replicated to it: that is no recovery.
func TestATickWithoutItsSignalClosesNothing(t *testing.T) {
	t.Parallel()
	w := watch(t, "60s", nil)
	w.tables.Link(func(_, _ string) bool { return false })
	body, err := loop.Encode(item("a", 0, "1", false))
	if err != nil {
		t.Fatal(err)
	}
	w.queues.Send(t.Context(), "a", loop.QueueSignals, []loop.Outgoing{{Body: body}}) // and b has no copy
	w.until(61)
	if !w.open(t) {
		t.Fatal("it fell silent, and nobody noticed")
	}
	w.until(100) // the tick has come to b
	if !w.open(t) {
		t.Error("whoever has not heard the signal took its silence back")
	}
}

// A timer may come before the signal that it is counted from. When that comes, the silence is known, and what is done about
// it is rendered with the timer all the same: the signal says nothing of a silence.
func TestASignalThatComesAfterItsTimerIsNotWhatTheDoIsRenderedWith(t *testing.T) {
	t.Parallel()
	w := watch(t, "60s", nil)
	w.tables.Link(func(_, _ string) bool { return false })
	signal := item("a", 0, "1", false)
	body, err := loop.Encode(signal)
	if err != nil {
		t.Fatal(err)
	}
	w.queues.Send(t.Context(), "a", loop.QueueSignals, []loop.Outgoing{{Body: body}})
	w.until(30)
	w.dead["a"] = true
	if w.until(100); w.open(t) {
		t.Fatal("b has not heard the signal")
	}
	signal.Standby = true
	if body, err = loop.Encode(signal); err != nil {
		t.Fatal(err)
	}
	w.queues.Send(t.Context(), "b", loop.QueueSignals, []loop.Outgoing{{Body: body}})
	w.until(101)
	e := w.episode(t)
	if !e.Open || len(e.Transitions) != 1 {
		t.Fatalf("%+v", e)
	}
	since, err := json.Marshal(start)
	if err != nil {
		t.Fatal(err)
	}
	if said := string(e.Transitions[0].Decision.Effects[0].Output.Value); said != `"k since `+string(since[1:]) {
		t.Errorf("it is rendered as %s", said)
	}
}

// staysClosed lets time go by and wants nobody to take the key for silent.
func (w *watched) staysClosed(until int) {
	for at := int(w.now.Sub(second(0)).Seconds()); at <= until; at++ {
		if w.until(at); w.open(w.t) {
			w.t.Fatalf("after %d s somebody took it for silent", at)
		}
	}
}

// A peer hears of a signal by its standby copy, and where replication has stopped by nothing else. Its own timer must
// not come before what it waits for.
func TestWhoHasCopiesOnlyTakesNobodyForSilentTooSoon(t *testing.T) {
	t.Parallel()
	w := watch(t, "60s", nil)
	w.tables.Link(func(_, _ string) bool { return false })
	for at := 0; at <= 300; at += 55 {
		w.staysClosed(at)
		w.send("a", sample{id: at})
	}
	if w.until(275 + 60 + 20); !w.open(t) {
		t.Fatal("it fell silent, and nobody noticed")
	}
}

// Of three regions one has no copy. Where it gets nothing replicated it knows older signals only, and has no business
// with the key's timers.
func TestWhoHasNoCopyTakesNobodyForSilent(t *testing.T) {
	t.Parallel()
	w := watch(t, "60s", nil, "a", "b", "c")
	w.send("a", sample{id: 0})
	w.until(30)
	w.tables.Link(func(from, to string) bool { return from != "c" && to != "c" })
	for at := 40; at <= 300; at += 40 {
		w.staysClosed(at)
		w.send("a", sample{id: at})
	}
	if w.until(280 + 60 + 20); !w.open(t) {
		t.Fatal("it fell silent, and nobody noticed")
	}
}

func TestAKeyThatFallsSilentOpensAndClosesWhenItSpeaks(t *testing.T) {
	t.Parallel()
	w := watch(t, "60s", nil)
	for at := 0; at <= 300; at += 10 {
		w.until(at)
		w.send("a", sample{id: at})
	}
	for _, c := range []struct {
		at   int
		open bool
	}{{359, false}, {361, true}, {500, true}} {
		if w.until(c.at); w.open(t) != c.open {
			t.Fatalf("after %d s open is %v", c.at, !c.open)
		}
	}
	w.send("b", sample{id: 501})
	w.until(502)
	if w.open(t) {
		t.Fatal("it spoke, and the episode is still open")
	}
	if w.until(700); !w.open(t) {
		t.Fatal("it fell silent again, and nobody noticed")
	}
	// 31 signals and one, and their standby copies; each region mirrors a timer, a minute at most.
	if most := 2*32 + 4*12; w.legs > most {
		t.Errorf("%d messages; at most %d are expected", w.legs, most)
	}
	for _, region := range []string{"a", "b"} {
		if ready, hidden, delayed, err := w.queues.Depth(t.Context(), region, loop.QueueSignals); ready+hidden+delayed > 0 || err != nil {
			t.Errorf("%s: %d timers are under way for a key that is known to be silent, %v", region, ready+hidden+delayed, err)
		}
	}
}

// FAULTS 37: the region that counts dies; its peer's timers go on.
func TestSilenceIsNoticedWhenARegionDies(t *testing.T) {
	t.Parallel()
	w := watch(t, "60s", nil)
	for at := 0; at <= 200; at += 20 {
		w.until(at)
		w.send("a", sample{id: at})
	}
	w.dead["a"] = true
	if w.until(255); w.open(t) {
		t.Fatal("opened before its time")
	}
	if w.until(200 + 60 + 20 + 5); !w.open(t) {
		t.Fatal("nobody noticed the silence within the standby delay")
	}
}

func TestALongTimerTravelsInLegs(t *testing.T) {
	t.Parallel()
	w := watch(t, "1h", func(op mem.Op) error { return nil })
	w.send("a", sample{id: 0})
	if w.until(3599); w.open(t) {
		t.Fatal("opened before its time")
	}
	if w.until(3602); !w.open(t) {
		t.Fatal("the timer was lost on its way")
	}
	if w.until(3700); w.legs > 2+4*5 { // the signal and its copy; of both the timer and its copy, in five legs
		t.Errorf("%d messages for one timer of an hour in two regions", w.legs)
	}
}

// What is late shows that the silence was none: the episode closes.
func TestALateSignalEndsASilence(t *testing.T) {
	t.Parallel()
	w := watch(t, "60s", nil)
	w.send("a", sample{id: 0})
	if w.until(65); !w.open(t) {
		t.Fatal("silence was not noticed")
	}
	w.send("a", sample{id: 40}) // accepted at 66, of 40
	if w.until(67); w.open(t) {
		t.Fatal("the key spoke at 40, and at 60 it was not silent for a minute")
	}
	if w.until(140); !w.open(t) {
		t.Fatal("it has been silent since 40")
	}
}

func TestATimerOfARuleThatIsGoneIsUnmatched(t *testing.T) {
	t.Parallel()
	w := watch(t, "60s", nil)
	w.send("a", sample{id: 0})
	w.until(5)
	other := newRegions(setOf(t, fmt.Sprintf(windowRule, "", "{count: 99, within: 5m}")), true, deaf{})
	w.handlers["a"], w.handlers["b"] = other.handlers["a"], other.handlers["b"]
	w.until(120)
	if w.open(t) || other.open(t) {
		t.Error("it opened an episode of another rule")
	}
}

// The property for absence: whenever and wherever a key speaks, it is open in the end if it has been silent, and was
// opened as often as it fell silent.
func TestSilenceIsThatOfOneOrderedDelivery(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "n")
		seconds := rapid.SliceOfNDistinct(rapid.IntRange(0, 150), n, n, rapid.ID[int]).Draw(t, "seconds")
		slices.Sort(seconds)
		end := seconds[n-1] + rapid.IntRange(1, 200).Draw(t, "end")
		w := watch(t, "40s", nil)
		if dead := rapid.IntRange(0, 4).Draw(t, "dead"); dead == 0 {
			w.dead["b"] = true
		}
		type arrival struct{ at, second int }
		var arrivals []arrival
		for _, s := range seconds {
			for range rapid.IntRange(1, 2).Draw(t, "copies") { // late by up to the lateness
				arrivals = append(arrivals, arrival{s + rapid.IntRange(0, 25).Draw(t, "late"), s})
			}
		}
		slices.SortFunc(arrivals, func(a, b arrival) int { return a.at - b.at })
		for _, a := range arrivals {
			w.until(a.at)
			w.send("a", sample{id: a.second})
		}
		settled := max(end, arrivals[len(arrivals)-1].at+1)
		w.until(settled)
		silent := settled - seconds[n-1]
		// A timer of a signal that was accepted late comes as late.
		if got := w.open(t); silent < 40 && got || silent > 40+25+20+2 && !got {
			t.Fatalf("silent for %d s, and open is %v", silent, got)
		}
	})
}
