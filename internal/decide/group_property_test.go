package decide_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

const groupWait = 10 * time.Second

const groupRule = `
inputs: {default: {kind: http}}
rules:
  - id: r
    match: {type: [a]}
    when: signal.data.value > 5.0
    key: signal.subject
    %s
    group: {by: "'all'", wait: 10s}
    do: [{step: s, action: s}]
actions:
  s: {to: output, effect: native, output: "s/{{ key }}", value: {keys: "{{ signal.data.members.map(m, m.key) }}", text: "{{ signal.data.summary }}"}, expire_after: 15m}
`

func groupedRules() map[string]string {
	return map[string]string{"without state": "", "with a window": "window: {count: 1, within: 1m, lateness: 5m}"}
}

// gathering are two regions whose `signals` are worked off as time goes by.
type gathering struct {
	*regions
	t rapid.TB
}

func gatherIn(t rapid.TB, state string, fault mem.Fault) *gathering {
	set := setOf(t, fmt.Sprintf(groupRule, state))
	r := &regions{episodes: mem.NewEpisodes(fault), handlers: map[string]*decide.Handler{}, now: start}
	clock := func() time.Time { return r.now }
	r.queues = mem.NewQueues(mem.QueuesConfig{Now: clock, Visibility: time.Minute, Fault: fault})
	r.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"a", "b"}, Now: clock, Immediate: true})
	for region, peer := range map[string]string{"a": "b", "b": "a"} {
		r.handlers[region] = decide.New(decide.Config{
			Region: region, Peer: peer, StandbyDelay: 20 * time.Second, Set: set, Queue: r.queues.From(region), Recorder: deaf{}, AtOnce: 1,
			Now: clock, Windows: mem.NewWindows(r.tables, region), Episodes: r.episodes.In(region), Backoff: func(int) time.Duration { return time.Second },
		})
	}
	return &gathering{r, t}
}

// send puts a copy of a signal on a region's queue, to come `after` from now.
func (g *gathering) send(region string, s sample, standby bool, after time.Duration) {
	raw, err := json.Marshal(loop.Signal{
		ID: fmt.Sprint(s.id), Source: "shop", Type: "a", Subject: groupKey(s), Time: start.Add(s.at), Data: json.RawMessage(fmt.Sprintf(`{"value":%g}`, s.value)),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	body, err := loop.Encode(loop.Item{AcceptedAt: start.Add(s.at), Input: "default", Standby: standby, Signal: raw})
	if err != nil {
		g.t.Fatal(err)
	}
	for after > 0 && errors.Join(g.queues.Send(context.Background(), region, loop.QueueSignals, []loop.Outgoing{{Body: body, Delay: min(after, loop.MaxDelay)}})...) != nil {
	}
	for after == 0 && errors.Join(g.queues.Send(context.Background(), region, loop.QueueSignals, []loop.Outgoing{{Body: body}})...) != nil {
	}
}

// until works everything off that comes by then, in both regions.
func (g *gathering) until(end time.Duration) {
	for {
		next := start.Add(end + 1)
		for _, region := range []string{"a", "b"} {
			for _, l := range g.queues.Lying(region, loop.QueueSignals) {
				if l.Visible.Before(next) {
					next = l.Visible
				}
			}
		}
		if next.After(start.Add(end)) {
			break
		}
		if next.After(g.now) {
			g.now = next
		}
		for _, region := range []string{"a", "b"} {
			for _, d := range g.queues.Receive(region, loop.QueueSignals, 10) {
				if failed := g.handlers[region].Handle(context.Background(), []loop.Message{d.Message}); len(failed) == 0 {
					g.queues.Ack(region, loop.QueueSignals, d.Receipt)
				}
			}
		}
	}
	g.now = start.Add(end)
}

// told is a decision as it stands on the queues.
type told struct {
	id    string
	n     int64
	until time.Time
	keys  []string
}

// decisions are those that came to `actions`, oldest first; one that has two renderings fails.
func (g *gathering) decisions() []told {
	all, bodies := map[string]told{}, map[string]string{}
	for _, region := range []string{"a", "b"} {
		for _, body := range g.queues.Bodies(region, loop.QueueActions) {
			var env loop.Envelope
			if err := json.Unmarshal(body, &env); err != nil {
				g.t.Fatal(err)
			}
			e := env.Items[0].Effect
			text, err := json.Marshal(e)
			if err != nil {
				g.t.Fatal(err)
			}
			if known, ok := bodies[e.ID]; ok && known != string(text) {
				g.t.Fatalf("one effect has two renderings:\n%s\n%s", known, text)
			}
			bodies[e.ID] = string(text)
			var value struct{ Keys []string }
			if err := json.Unmarshal(e.Output.Value, &value); err != nil {
				g.t.Fatal(err)
			}
			fence, err := strconv.ParseInt(string(e.Fence), 10, 64)
			if err != nil {
				g.t.Fatal(err)
			}
			all[e.ID] = told{e.ID, fence / 2, env.Items[0].AcceptedAt, value.Keys}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b told) int { return int(a.n - b.n) })
}

func keysOf(all []told) (list [][]string) {
	for _, d := range all {
		list = append(list, slices.Sorted(slices.Values(d.keys)))
	}
	return list
}

// fewSamples are enough for a few spans of a few keys.
func fewSamples(t *rapid.T) []sample {
	samples := drawSamples(t)
	return samples[:min(len(samples), 12)]
}

// With signals that come as they are accepted a group decides what the plainest reading decides, wherever copies of them
// come and however often.
func TestGroupsOfOneOrderedDeliveryAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	for name, state := range groupedRules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				g, samples := gatherIn(t, state, nil), fewSamples(t)
				for _, s := range samples {
					g.until(s.at)
					region, peer := "a", "b"
					if rapid.Bool().Draw(t, "b") {
						region, peer = peer, region
					}
					g.send(region, s, false, 0)
					g.send(peer, s, true, 20*time.Second)
					for range rapid.IntRange(0, 2).Draw(t, "copies") {
						g.send(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "region"), s, rapid.Bool().Draw(t, "standby"), time.Duration(rapid.IntRange(0, 300).Draw(t, "later"))*time.Second)
					}
				}
				g.until(10 * time.Minute)
				firings := refHits(samples)
				if state != "" {
					firings = refOpenings(samples)
				}
				want := refGroups(firings, groupWait)
				for _, keys := range want {
					slices.Sort(keys)
				}
				if got := keysOf(g.decisions()); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("decided %v, want %v", got, want)
				}
				for _, region := range []string{"a", "b"} {
					if n := len(g.queues.Bodies(region, loop.QueueActions)); n == 0 && len(want) > 0 {
						t.Fatalf("%s never heard of a decision", region)
					}
				}
			})
		})
	}
}

// However late signals come, in what order, to which region, how often, and whatever fails meanwhile: every key that
// fires is told of after it fired, no signal is told of twice, and one decision has one rendering.
func TestEveryFiringIsInOneDecisionOfItsGroup(t *testing.T) {
	t.Parallel()
	for name, state := range groupedRules() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				var calls, failing int
				g := gatherIn(t, state, func(op mem.Op) error {
					if calls++; failing > 0 && calls%failing == 0 && (op.Service == "episodes" || op.Service == "queue") {
						return errors.New("does not answer")
					}
					return nil
				})
				failing = rapid.SampledFrom([]int{0, 0, 3, 5, 7, 11, 13}).Draw(t, "failing")
				samples := fewSamples(t)
				for _, s := range samples {
					for i := range rapid.IntRange(1, 4).Draw(t, "copies") {
						region := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "region")
						g.send(region, s, i > 0, s.at+time.Duration(rapid.IntRange(0, 120).Draw(t, "late"))*time.Second+1)
					}
				}
				g.until(6 * time.Minute)
				failing = 0
				g.until(12 * time.Minute)
				decided := g.decisions()
				firings := refHits(samples)
				if state == "" {
					for _, f := range firings {
						if !slices.ContainsFunc(decided, func(d told) bool { return slices.Contains(d.keys, f.key) && d.until.After(start.Add(f.at)) }) {
							t.Fatalf("%v is in no decision: %v", f, decided)
						}
					}
				}
				since := map[string]time.Time{}
				for i, d := range decided {
					if i > 0 && (d.n <= decided[i-1].n || d.until.Before(decided[i-1].until)) {
						t.Fatalf("%v does not follow %v", d, decided[i-1])
					}
					for _, key := range d.keys {
						if !slices.ContainsFunc(firings, func(f firing) bool {
							return f.key == key && !start.Add(f.at).Before(since[key]) && start.Add(f.at).Before(d.until)
						}) {
							t.Fatalf("%s is told of again, and did not fire again: %v", key, decided)
						}
						since[key] = d.until
					}
				}
				for _, later := range []time.Duration{time.Second, time.Hour, 30 * 24 * time.Hour} { // again, within what is remembered and after
					for _, s := range samples {
						g.send(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "again"), s, false, 0)
					}
					g.now = g.now.Add(later)
					g.until(g.now.Sub(start) + 5*time.Minute)
				}
				if again := g.decisions(); fmt.Sprint(again) != fmt.Sprint(decided) {
					t.Fatalf("decided %v; delivered again: %v", decided, again)
				}
			})
		})
	}
}
