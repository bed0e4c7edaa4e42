package decide_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// hit is a signal of key p, q, r or s that fires, accepted then.
func hit(at int, key byte) sample {
	return sample{id: 100*at + int(key), at: time.Duration(at) * time.Second, value: float64(8 + (key-'p'+4)%4)}
}

func (g *gathering) wants(want ...string) {
	if t, ok := g.t.(*testing.T); ok {
		t.Helper()
	}
	var got []string
	for _, d := range g.decisions() {
		got = append(got, d.until.Sub(start).String()+" "+strings.Join(d.keys, ""))
	}
	if !slices.Equal(got, want) {
		g.t.Errorf("decided %q, want %q", got, want)
	}
}

// episode is the record of the one group.
func (g *gathering) record() decide.Episode {
	e, err := g.episodes.In("a").Get(context.Background(), decide.Ref{RuleID: "r#group", Key: "all"})
	if err != nil {
		g.t.Fatal(err)
	}
	return e
}

func TestAGroupIsDecidedOnceWhenItsSpanIsOver(t *testing.T) {
	t.Parallel()
	g := gatherIn(t, "", nil)
	for _, s := range []sample{hit(1, 'p'), hit(3, 'q'), hit(4, 'p'), hit(10, 'r'), hit(11, 's')} {
		g.wants()
		g.until(s.at)
		g.send("a", s, false, 0)
	}
	g.until(time.Minute)
	g.wants("11s pqr", "21s s") // what is accepted when the span is over is not in it
	if d := g.decisions()[0]; d.n != start.Add(time.Second).UnixMilli() {
		t.Errorf("n is %d", d.n)
	}
	if n := len(g.queues.Bodies("b", loop.QueueActions)); n != 0 {
		t.Errorf("%d effects in a region that heard of nothing", n)
	}
}

// FAULTS 37: the region that opened a group dies with its timer. Whoever gets the standby copy has one of its own.
func TestAGroupOutlivesTheRegionThatOpenedIt(t *testing.T) {
	t.Parallel()
	for name, copyAt := range map[string]int{"before it is due": 5, "after it": 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gatherIn(t, "", nil)
			g.send("a", hit(0, 'p'), false, 0)
			g.send("b", hit(0, 'p'), true, time.Duration(copyAt)*time.Second)
			g.until(time.Second)
			g.queues.Lose("a")
			delete(g.handlers, "a")
			g.until(time.Minute)
			g.wants("10s p")
		})
	}
}

// The timer goes before the record: whoever dies in between has started one too many, and the next one starts its own.
func TestAGroupWhoseRecordCouldNotBeWrittenIsOpenedAgain(t *testing.T) {
	t.Parallel()
	g := gatherIn(t, "", mem.Times(1, mem.On(func(op mem.Op) bool {
		return op.Service == "episodes" && op.Name == "Put" && op.When == mem.Before
	}, errors.New("does not answer"))))
	g.send("a", hit(0, 'p'), false, 0)
	g.until(time.Minute)
	g.wants("11s p") // it was opened a second later, by the retry
}

// A timer that could not be sent must not be one that the record says is under way.
func TestAGroupWithoutATimerIsNotOpened(t *testing.T) {
	t.Parallel()
	sends := 0
	g := gatherIn(t, "", mem.On(func(op mem.Op) bool {
		if op.Service == "queue" && op.Key == loop.QueueSignals && op.From == "a" && op.When == mem.Before {
			sends++ // of the handler: producers have no region
		}
		return op.From == "a" && op.Key == loop.QueueSignals && sends == 1
	}, errors.New("does not answer")))
	g.send("a", hit(0, 'p'), false, 0)
	g.until(0)
	if e := g.record(); e.Open || e.Rev != 0 {
		t.Fatalf("%+v", e)
	}
	g.until(time.Minute)
	g.wants("11s p")
}

// An answer is lost, and another region's key has joined meanwhile: the write that stands is not one's own.
func TestALostAnswerIsNotTakenForAnothersWrite(t *testing.T) {
	t.Parallel()
	var g *gathering
	meanwhile := false
	g = gatherIn(t, "", func(op mem.Op) error {
		if op.Service != "episodes" || op.Name != "Put" || op.From != "a" || op.When != mem.Before || g.now.Equal(start) || meanwhile {
			return nil
		}
		meanwhile = true // b is first, and a hears nothing of its own write
		g.send("b", hit(1, 'r'), false, 0)
		for _, d := range g.queues.Receive("b", loop.QueueSignals, 10) {
			g.handlers["b"].Handle(context.Background(), []loop.Message{d.Message})
			g.queues.Ack("b", loop.QueueSignals, d.Receipt)
		}
		return errors.New("does not answer")
	})
	g.send("a", hit(0, 'p'), false, 0)
	g.send("b", hit(0, 'p'), true, 0)
	g.until(0)
	g.now = start.Add(time.Second)
	g.send("a", hit(1, 'q'), false, 0)
	g.until(time.Minute)
	g.wants("10s prq")
}

// What came in one message and what its keys told of already is one write.
func TestAKeyThatFiresAgainCostsNoWrite(t *testing.T) {
	t.Parallel()
	puts := 0
	g := gatherIn(t, "", func(op mem.Op) error {
		if op.Service == "episodes" && op.Name == "Put" && op.When == mem.Before {
			puts++
		}
		return nil
	})
	var items []sample
	for i := range 100 {
		items = append(items, hit(0, 'p'+byte(i%4)))
		items[i].id = i
	}
	g.decide(t, "a", items...)
	if puts != 1 {
		t.Fatalf("%d writes for 100 signals in one message", puts)
	}
	for i := range 50 {
		g.decide(t, "a", sample{id: 1000 + i, value: 8})
	}
	if timers := len(g.queues.Bodies("a", loop.QueueSignals)); puts != 1 || timers != 1 {
		t.Errorf("%d writes and %d timers for signals of keys that are known", puts, timers)
	}
}

// many are firings of so many keys in messages of a hundred.
func (g *gathering) many(from, to int) {
	for ; from < to; from += 100 {
		var items []loop.Item
		for i := from; i < min(from+100, to); i++ {
			it := item("a", i, "9", false)
			it.AcceptedAt = g.now
			it.Signal = []byte(strings.Replace(string(it.Signal), `"subject":"k"`, fmt.Sprintf(`"subject":"key-%d"`, i), 1))
			items = append(items, it)
		}
		body, err := loop.Encode(items...)
		if err != nil {
			g.t.Fatal(err)
		}
		if failed := g.handlers["a"].Handle(context.Background(), []loop.Message{{ID: "m", Body: body}}); len(failed) > 0 {
			g.t.Fatal("a message failed")
		}
	}
}

// loud counts what a handler tells.
type loud struct {
	deaf
	late, overflow int
	joined         []loop.Decision
}

func (l *loud) Late(context.Context, string, string) { l.late++ }
func (l *loud) Overflow(context.Context, string)     { l.overflow++ }
func (l *loud) Decided(_ context.Context, d loop.Decision, _ loop.Item) {
	if d.Joins != nil {
		l.joined = append(l.joined, d)
	}
}

func (g *gathering) hear(state string) *loud {
	heard := &loud{}
	g.handlers["a"] = decide.New(decide.Config{
		Region: "a", Set: setOf(g.t, fmt.Sprintf(groupRule, state)), Queue: g.queues.From("a"), Recorder: heard, AtOnce: 1,
		Now: func() time.Time { return g.now }, Windows: mem.NewWindows(g.tables, "a"), Episodes: g.episodes.In("a"),
		Backoff: func(int) time.Duration { return time.Second },
	})
	return heard
}

// A group tells so many keys apart. What comes beyond is in its decision, which says "at least", and a metric says so.
func TestAGroupHoldsABoundedNumberOfKeys(t *testing.T) {
	t.Parallel()
	g := gatherIn(t, "", nil)
	heard := g.hear("")
	g.many(0, loop.MaxGroupKeys)
	if heard.overflow != 0 {
		t.Fatal("overflow within the bound")
	}
	rev := g.record().Rev
	g.many(loop.MaxGroupKeys, 2*loop.MaxGroupKeys)
	if heard.overflow == 0 || g.record().Rev != rev {
		t.Errorf("overflow told %d times; %d writes beyond the bound", heard.overflow, g.record().Rev-rev)
	}
	g.until(time.Minute)
	decided := g.decisions()
	if len(decided) != 1 || len(decided[0].keys) == 0 || len(decided[0].keys) > loop.MaxGroupMembers {
		t.Fatalf("%d decisions, the first lists %d keys", len(decided), len(decided[0].keys))
	}
	if body := string(g.queues.Bodies("a", loop.QueueActions)[0]); !strings.Contains(body, fmt.Sprintf("and %d more, at least", loop.MaxGroupKeys-loop.MaxGroupSummary)) {
		t.Error("the decision does not say how many there are")
	}
	g.now = start // again, all of them: nothing is told twice, and what is not known to be told is called late
	g.many(0, 2*loop.MaxGroupKeys)
	g.until(2 * time.Minute)
	if again := g.decisions(); len(again) != 1 || heard.late == 0 {
		t.Errorf("%d decisions, %d late", len(again), heard.late)
	}
}

// What is older than an effect of it might be when it lands has expired on its way, and is told late.
func TestAFiringThatHasExpiredJoinsNothing(t *testing.T) {
	t.Parallel()
	for age, late := range map[time.Duration]int{15 * time.Minute: 0, 15*time.Minute + time.Second: 1} {
		g := gatherIn(t, "", nil)
		heard := g.hear("")
		g.now = start.Add(age)
		g.decide(t, "a", hit(0, 'p'))
		g.until(age + time.Minute)
		if heard.late != late || len(g.decisions()) != 1-late {
			t.Errorf("%s old: %d late, %d decisions", age, heard.late, len(g.decisions()))
		}
	}
}

// Every signal is told which decision it is part of, and by which ids its effects will be known.
func TestEverySignalOfAGroupIsDecided(t *testing.T) {
	t.Parallel()
	for name, state := range groupedRules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gatherIn(t, state, nil)
			heard := g.hear(state)
			g.send("a", hit(0, 'p'), false, 0)
			g.send("a", hit(0, 'q'), false, 0)
			g.until(time.Minute)
			var ids []string
			for _, d := range heard.joined {
				if len(d.Effects) == 1 {
					ids = append(ids, d.Effects[0].ID)
				}
			}
			decided := g.decisions()
			if len(decided) != 1 || !slices.Equal(ids, []string{decided[0].id, decided[0].id}) {
				t.Errorf("signals were told of %v; decided %v", ids, decided)
			}
		})
	}
}

// FAULTS 18: the rule loses its group while one is gathering. What it gathered is decided.
func TestAGroupIsDecidedByARuleThatHasLostIt(t *testing.T) {
	t.Parallel()
	g := gatherIn(t, "", nil)
	g.send("a", hit(0, 'p'), false, 0)
	g.until(time.Second)
	plain := strings.Replace(fmt.Sprintf(groupRule, ""), `group: {by: "'all'", wait: 10s}`, "", 1)
	plain = strings.Replace(plain, `value: {keys: "{{ signal.data.members.map(m, m.key) }}", text: "{{ signal.data.summary }}"}`, `value: {keys: ["{{ key }}"]}`, 1)
	g.handlers["a"] = g.handler(setOf(t, plain), "a", mem.NewWindows(g.tables, "a"), g.episodes.In("a"), deaf{})
	g.until(time.Minute)
	g.wants("10s all")
}

// What cannot be rendered fails with the signal in hand, before it is among others.
func TestWhatCannotBeRenderedOpensNoGroup(t *testing.T) {
	t.Parallel()
	for name, state := range groupedRules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gatherIn(t, state, nil)
			broken := strings.Replace(fmt.Sprintf(groupRule, state), `text: "{{ signal.data.summary }}"`, `text: "{{ 1 / (signal.data.count > 0.0 ? 0 : 1) }}"`, 1)
			g.handlers["a"] = g.handler(setOf(t, broken), "a", mem.NewWindows(g.tables, "a"), g.episodes.In("a"), deaf{})
			g.decide(t, "a", hit(0, 'p'))
			if dead := g.queues.Bodies("a", loop.DeadLetter(loop.QueueSignals)); len(dead) != 1 || !strings.Contains(string(dead[0]), `"rule":"r"`) {
				t.Errorf("%d quarantined", len(dead))
			}
			if e := g.record(); e.Rev != 0 {
				t.Errorf("%+v", e)
			}
		})
	}
}

// The sweeper finds a group that is due and that nobody decided.
func TestAGroupThatIsDueIsPending(t *testing.T) {
	t.Parallel()
	g := gatherIn(t, "", nil)
	g.send("a", hit(0, 'p'), false, 0)
	g.until(time.Second)
	if n, oldest := g.record().Pending(); n != 1 || !oldest.Equal(start.Add(groupWait)) {
		t.Errorf("%d pending since %s", n, oldest)
	}
	g.until(time.Minute)
	if n, _ := g.record().Pending(); n != 0 {
		t.Errorf("%d pending", n)
	}
}

// Clocks differ: a region accepts, by its clock, after the span is over, what another one takes in before.
func TestAFiringFromTheFutureIsInOneDecision(t *testing.T) {
	t.Parallel()
	g := gatherIn(t, "", nil)
	g.decide(t, "a", hit(0, 'p'))
	ahead := item("a", 7, "9", false)
	ahead.AcceptedAt = start.Add(groupWait + time.Second)
	ahead.Signal = []byte(strings.Replace(string(ahead.Signal), `"subject":"k"`, `"subject":"q"`, 1))
	body, err := loop.Encode(ahead)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		g.queues.Send(t.Context(), "a", loop.QueueSignals, []loop.Outgoing{{Body: body}})
		g.until(g.now.Sub(start) + time.Minute)
	}
	g.wants("10s kq")
}

// A transition that joined its group stays until nothing of its age may join any more: the region that has it may be
// lost before it has a timer, and another one that touches the episode joins, too.
func TestAnOpeningIsKeptWhileItMayJoin(t *testing.T) {
	t.Parallel()
	g := gatherIn(t, groupedRules()["with a window"], nil)
	g.send("a", hit(0, 'p'), false, 0)
	g.send("a", sample{id: 1, at: time.Second, value: 4}, false, time.Second) // clears, a second later
	g.until(2 * time.Second)
	e, err := g.episodes.In("a").Get(t.Context(), decide.Ref{RuleID: "r", Key: "p"})
	if err != nil || len(e.Transitions) == 0 || e.Transitions[0].Decision.Joins == nil {
		t.Fatalf("%+v, %v", e, err)
	}
	if rev := g.record().Rev; rev == 0 {
		t.Fatal("no group")
	}
	g.send("b", hit(0, 'p'), true, 0) // the standby copy
	g.until(3 * time.Second)
	if timed := g.record().Group.Timed; !slices.Equal(timed, []string{"a", "b"}) {
		t.Errorf("timers in %v", timed)
	}
}
