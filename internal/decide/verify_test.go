package decide_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

const verifyRule = `
inputs: {default: {kind: http}}
rules:
  - id: r
    match: {type: [a]}
    when: signal.data.value > 5.0
    key: signal.subject
    %s
    do: [{step: s, action: s}, {step: t, action: s}]
    verify: {when: signal.data.value < 3.0, within: 40s, else: [{step: s, action: lead, with: {was: "{{ signal.data.value }}"}}]}
actions:
  s: {to: output, effect: native, output: "s/{{ key }}", expire_after: 1m}
  lead: {to: output, effect: native, output: "lead/{{ key }}", value: "{{ with.was }} {{ signal.id }} {{ phase }}", expire_after: 1m}
`

// proving are two regions whose decided effects are landed as act does it: each once, by whoever comes first, and every
// copy that finds one done starts its verification.
type proving struct {
	*regions
	t     rapid.TB
	dead  map[string]bool
	lands func(e loop.Effect) (after time.Duration, done bool)
	done  map[string]loop.Claim
	never map[string]bool
	els   map[string]loop.Effect
	wait  []landed
	twice bool // timers come twice
}

type landed struct {
	region string
	item   loop.Item
	at     time.Time
}

func prove(t rapid.TB, extra string) *proving { return proveFile(t, fmt.Sprintf(verifyRule, extra)) }

func proveFile(t rapid.TB, file string) *proving {
	set := setOf(t, file)
	p := &proving{
		regions: newRegions(set, false, deaf{}), t: t, dead: map[string]bool{}, done: map[string]loop.Claim{},
		never: map[string]bool{}, els: map[string]loop.Effect{},
		lands: func(loop.Effect) (time.Duration, bool) { return 0, true },
	}
	for region, peer := range map[string]string{"a": "b", "b": "a"} {
		p.handlers[region] = decide.New(decide.Config{
			Region: region, Peer: peer, StandbyDelay: 20 * time.Second, Set: set, Queue: p.queues.From(region), Recorder: deaf{},
			Now: func() time.Time { return p.now }, Backoff: func(int) time.Duration { return time.Second },
			Windows: mem.NewWindows(p.tables, region), Episodes: p.episodes.In(region),
		})
	}
	return p
}

// accept takes a signal now, in region and as a standby copy in its peer. Its own time is another one.
func (p *proving) accept(region string, id int, value float64, at time.Time) {
	raw, err := json.Marshal(loop.Signal{
		ID: fmt.Sprint(id), Source: "shop", Type: "a", Subject: "k", Time: at, Data: json.RawMessage(fmt.Sprintf(`{"value":%g}`, value)),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	it := loop.Item{AcceptedAt: p.now, Input: "default", Signal: raw}
	p.send(region, loop.QueueSignals, it, 0)
	it.Standby = true
	p.send(map[string]string{"a": "b", "b": "a"}[region], loop.QueueSignals, it, 20*time.Second)
}

func (p *proving) send(region, queue string, it loop.Item, delay time.Duration) {
	body, err := loop.Encode(it)
	if err != nil {
		p.t.Fatal(err)
	}
	p.queues.Send(context.Background(), region, queue, []loop.Outgoing{{Body: body, Delay: delay}})
}

func (p *proving) until(at int) {
	for ; !p.now.After(second(at)); p.now = p.now.Add(time.Second) {
		for _, region := range []string{"a", "b"} {
			if p.dead[region] {
				continue
			}
			for _, d := range p.queues.Receive(region, loop.QueueSignals, 10) {
				if len(p.handlers[region].Handle(context.Background(), []loop.Message{d.Message})) == 0 {
					p.queues.Ack(region, loop.QueueSignals, d.Receipt)
				}
			}
			p.act(region)
		}
	}
}

func (p *proving) act(region string) {
	for _, d := range p.queues.Receive(region, loop.QueueActions, 10) {
		var env loop.Envelope
		if err := json.Unmarshal(d.Body, &env); err != nil {
			p.t.Fatal(err)
		}
		p.queues.Ack(region, loop.QueueActions, d.Receipt)
		for _, it := range env.Items {
			e := *it.Effect
			switch e.Phase {
			case loop.PhaseElse:
				p.els[e.ID] = e
				continue
			case loop.PhaseDo:
			case loop.PhaseUndo, loop.PhaseGuard:
				continue
			}
			if _, known := p.done[e.ID]; !known && !p.never[e.ID] {
				after, done := p.lands(e)
				if p.never[e.ID] = !done; done {
					p.done[e.ID] = loop.Claim{EffectID: e.ID, Effect: e, Status: loop.StatusDone, AcceptedAt: it.AcceptedAt, UpdatedAt: p.now.Add(after)}
				}
			}
			if c, ok := p.done[e.ID]; ok {
				p.wait = append(p.wait, landed{region, it, c.UpdatedAt})
			}
		}
	}
	p.wait = slices.DeleteFunc(p.wait, func(l landed) bool {
		if l.region != region || l.at.After(p.now) {
			return false
		}
		timer, err := loop.VerifyTimer(p.done[l.item.Effect.ID], l.item)
		if err != nil {
			p.t.Fatal(err)
		}
		for range map[bool]int{false: 1, true: 2}[p.twice] {
			p.send(region, loop.QueueSignals, timer, max(timer.AcceptedAt.Sub(p.now), 0))
		}
		return true
	})
}

// shown is a signal as the reference knows it.
type shown struct {
	key          string
	value        float64
	at, accepted time.Time
}

// Else is done exactly where a do was done and no proof was accepted in time: whatever the order, however often, in
// whichever region, though one dies and nothing replicates between them.
func TestElseIsDoneExactlyWhereWhatWasDoneHasNotWorked(t *testing.T) {
	t.Parallel()
	for name, extra := range map[string]string{"stateless": "", "episodes": "window: {count: 1, within: 1m}\n    undo: [{step: s, action: s}]"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				p := prove(t, extra)
				p.twice = rapid.Bool().Draw(t, "twice")
				delays := map[string]time.Duration{}
				p.lands = func(e loop.Effect) (time.Duration, bool) {
					if d, ok := delays[e.ID]; ok {
						return d, d >= 0
					}
					delays[e.ID] = time.Duration(rapid.IntRange(-1, 15).Draw(t, "lands after")) * time.Second
					return delays[e.ID], delays[e.ID] >= 0
				}
				dies := rapid.IntRange(0, 400).Draw(t, "b dies") // after 200 it does not matter
				var all []shown
				at := 0
				for id := range rapid.IntRange(1, 12).Draw(t, "n") {
					at += rapid.IntRange(0, 25).Draw(t, "pause")
					p.dead["b"] = at > dies
					p.until(at)
					s := shown{
						loop.SignalKey("shop", fmt.Sprint(id)), float64(rapid.IntRange(0, 9).Draw(t, "value")),
						p.now.Add(time.Duration(rapid.IntRange(-20, 20).Draw(t, "clock")) * time.Second), p.now,
					}
					region := "a"
					if at < dies-1 {
						region = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "region")
					}
					p.accept(region, id, s.value, s.at)
					all = append(all, s)
				}
				p.until(at + 1)
				p.dead["b"] = at+1 > dies
				p.until(at + 200)
				want := map[string]bool{}
				for _, c := range p.done {
					trigger := all[slices.IndexFunc(all, func(s shown) bool { return s.key == c.Effect.SignalKey })]
					if !slices.ContainsFunc(all, func(s shown) bool {
						return s.value < 3 && s.at.After(trigger.at) && !s.accepted.Before(trigger.accepted) && s.accepted.Before(c.UpdatedAt.Add(40*time.Second))
					}) {
						want[c.Effect.Verify.Else[0].ID] = true
					}
				}
				got := slices.Sorted(maps.Keys(p.els))
				if !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
					t.Fatalf("else was done %d times, want %d: %v of %v", len(got), len(want), got, want)
				}
			})
		})
	}
}

// What is done else is rendered with the signal that was decided, has the phase in its id, and stands behind its do and
// before what follows.
func TestElseIsOfTheSignalThatWasDecided(t *testing.T) {
	t.Parallel()
	for _, extra := range []string{"", "window: {count: 1, within: 1m}"} {
		p := prove(t, extra)
		p.accept("a", 1, 7, p.now)
		if p.until(200); len(p.els) != 1 {
			t.Fatalf("%d effects", len(p.els))
		}
		for _, e := range p.els {
			first := p.now
			for _, c := range p.done {
				if e.Fence <= c.Effect.Fence || e.Fence >= loop.EpisodeFence(start.UnixMilli(), loop.PhaseUndo) && extra != "" {
					t.Errorf("fence %s, its do has %s", e.Fence, c.Effect.Fence)
				}
				if c.UpdatedAt.Before(first) {
					first = c.UpdatedAt
				}
			}
			decision := loop.ElseDecisionID(loop.SignalKey("shop", "1"), "r")
			if extra != "" {
				decision = loop.EpisodeDecisionID("r", "k", start.UnixMilli(), loop.PhaseElse)
			}
			if y := e.Why; y == nil || y.ID != "1" || y.When == "" || y.Missed == nil || y.Missed.When != "signal.data.value < 3.0" || !y.Missed.Until.Equal(first.Add(40*time.Second)) {
				t.Errorf("%+v", y)
			}
			if e.ID != loop.EffectID(decision, "s") || string(e.Output.Value) != `"7 1 else"` || e.Verify != nil {
				t.Errorf("%s %s", e.ID, e.Output.Value)
			}
		}
	}
}

// A proof may come as soon as the signal was decided, and the do be done only after all its attempts.
func TestWhatHealedWhileDoWasTriedIsRemembered(t *testing.T) {
	t.Parallel()
	p := proveFile(t, strings.Replace(fmt.Sprintf(verifyRule, ""), "expire_after: 1m", "expire_after: 15m", 1))
	p.lands = func(loop.Effect) (time.Duration, bool) { return 14 * time.Minute, true }
	p.accept("a", 1, 7, p.now)
	p.until(2)
	p.accept("a", 2, 1, p.now)
	if p.until(1200); len(p.els) > 0 || len(p.done) != 2 {
		t.Errorf("%d were done, and else %d times", len(p.done), len(p.els))
	}
}

// What comes when its proofs may be forgotten does nothing: it would not be sent any more either.
func TestAnOverdueVerificationDoesNothing(t *testing.T) {
	t.Parallel()
	p := prove(t, "")
	p.accept("a", 1, 7, p.now)
	p.until(50)
	p.dead["a"], p.dead["b"] = true, true
	p.until(40 + 2*20 + 60 + 2)
	p.dead["a"], p.dead["b"] = false, false
	if p.until(400); len(p.els) > 0 {
		t.Errorf("%v", p.els)
	}
}

// A rule that does not verify any more, or is gone, has no use for the timer.
func TestAVerificationOfAnotherVersionDoesNothing(t *testing.T) {
	t.Parallel()
	p := prove(t, "")
	p.accept("a", 1, 7, p.now)
	p.until(50)
	for region := range p.handlers {
		gone := setOf(t, strings.Replace(fmt.Sprintf(verifyRule, ""), "id: r", "id: other", 1))
		p.handlers[region] = p.handler(gone, region, mem.NewWindows(p.tables, region), p.episodes.In(region), deaf{})
	}
	if p.until(200); len(p.els) > 0 {
		t.Errorf("%v", p.els)
	}
}

// A table that fails keeps no proof and finds none: the signal, or the timer, comes again.
func TestNeitherAProofNorALookIsLostWhenTheTableFails(t *testing.T) {
	t.Parallel()
	for _, at := range []int{0, 60} { // of the proof, of the look
		p := prove(t, "")
		broken := &failing{Windows: mem.NewWindows(p.tables, "a")}
		p.handlers["a"] = p.handler(setOf(t, fmt.Sprintf(verifyRule, "")), "a", broken, p.episodes.In("a"), deaf{})
		p.dead["b"] = true
		p.accept("a", 1, 7, p.now)
		p.until(at)
		broken.times = 3
		p.accept("a", 2, 1, p.now.Add(time.Second))
		p.until(200)
		if broken.times > 0 || (len(p.els) > 0) != (at > 0) {
			t.Errorf("proof at %d s: else was done %d times, %d faults were not met", at, len(p.els), broken.times)
		}
	}
}

type failing struct {
	decide.Windows
	times int
}

func (f *failing) fail() error {
	if f.times == 0 {
		return nil
	}
	f.times--
	return errors.New("throttled")
}

func (f *failing) Put(ctx context.Context, ref decide.Ref, entries []decide.Entry, keep time.Duration) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Windows.Put(ctx, ref, entries, keep)
}

func (f *failing) Around(ctx context.Context, ref decide.Ref, look decide.Look) (decide.Seen, error) {
	if err := f.fail(); err != nil {
		return decide.Seen{}, err
	}
	return f.Windows.Around(ctx, ref, look)
}

// The outcome of what a timer decided comes by the timer's input, and is a signal like any other.
func TestTheOutcomeOfWhatATimerDecidedIsHeard(t *testing.T) {
	t.Parallel()
	p := prove(t, "")
	p.handlers["a"] = p.handler(setOf(t, strings.Replace(fmt.Sprintf(verifyRule, ""), "[a]", "[unbroken.effect.done]", 1)), "a",
		mem.NewWindows(p.tables, "a"), p.episodes.In("a"), deaf{})
	raw, err := json.Marshal(loop.Signal{
		ID: "1", Source: loop.OwnSourcePrefix + "act", Type: loop.OutcomeTypePrefix + "done", Subject: "k", Data: json.RawMessage(`{"value":7}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	p.send("a", loop.QueueSignals, loop.Item{AcceptedAt: p.now, Input: loop.TimerSource, Signal: raw}, 0)
	if p.until(1); len(p.done) != 2 {
		t.Errorf("%d effects", len(p.done))
	}
}
