package decide_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/explore"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/rule"
)

// modelRules is the bundle before and after a deployment that inserts a step, reorders and rewrites (FAULTS 27c).
const modelRules = `
inputs: {default: {kind: http}}
rules:
  - id: r
    match: {type: [t]}
    when: signal.data.value > 0.0
    key: signal.subject
    window: {count: 1, within: 5m}
    do: [%s{step: shed, action: shed}]
    undo: [{step: shed, action: shed}]
actions:
  shed: {to: output, effect: native, output: "shed/{{ key }}", value: "%s {{ phase }}"}
  page: {to: output, effect: native, output: "page/{{ key }}", value: 1}
`

func compiled(t *testing.T, args ...any) *rule.Set {
	t.Helper()
	cfg, err := rule.Parse("loop.yaml", fmt.Appendf(nil, modelRules, args...))
	if err != nil {
		t.Fatal(err)
	}
	set, err := rule.Compile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// episodeModel is two regions that decide the copies of three signals: one opens, one closes, one opens again. They
// come in any order; region b runs the newer bundle. Between any two steps a worker may crash, the answer of a
// write may be lost, and the other region may move.
type episodeModel struct {
	run           *explore.Run
	crashes, lost int
	queues        *mem.Queues
	tables        *mem.Replicas
	episodes      *mem.Episodes
	workers       map[string]*explore.Worker
	local         map[string]string // what each worker has learnt since it received its signal
	entries       map[string]bool   // which entries stand where
	now           time.Time
	settled       bool
}

func (m *episodeModel) fault(op mem.Op) error {
	if m.settled || op.Service == "queue" && op.Region != op.From {
		return nil
	}
	w := m.workers[op.From]
	if op.When == mem.Before {
		if op.Service != "windows" && op.Name != "Get" { // a read right before the step counts as made at the step before
			w.Step(op.Service + " " + op.Name)
		}
		return nil
	}
	m.local[op.From] += "|" + op.Service + op.Name + m.print()
	if op.Service == "windows" && op.Name == "Put" {
		signal, _, _ := strings.Cut(m.local[op.From], "|")
		m.entries[op.From+signal] = true
	}
	if op.Name == "Put" && op.Service == "episodes" && m.lost > 0 && m.pick("answered", "answer lost") == 1 {
		m.lost--
		m.local[op.From] += "lost"
		return errors.New("the answer was lost")
	}
	return nil
}

func (m *episodeModel) pick(names ...string) int {
	return m.run.Pick(len(names), func(i int) string { return names[i] })
}

func (m *episodeModel) print() string {
	all, err := m.episodes.All()
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return fmt.Sprint(string(text), slices.Sorted(maps.Keys(m.entries)))
}

func (m *episodeModel) state() []byte {
	at := ""
	for _, region := range []string{"a", "b"} {
		if w := m.workers[region]; w.Busy() {
			at += fmt.Sprint(w, m.local[region])
		}
	}
	return fmt.Appendf(nil, "%s|%s|%s|%d|%d", m.print(), m.queues.Print(), at, m.crashes, m.lost)
}

func (m *episodeModel) receive(region string, h *decide.Handler, d mem.Delivery) {
	w := m.workers[region]
	m.local[region] = string(d.Body)
	w.Start(func(crashed func() bool) {
		failed := h.Handle(context.Background(), []loop.Message{d.Message})
		if !crashed() && len(failed) == 0 {
			m.queues.Ack(region, loop.QueueSignals, d.Receipt)
		}
	})
}

func exploredEpisodes(t *testing.T, run *explore.Run, seen *explore.Seen, sets map[string]*rule.Set, deep bool) *episodeModel {
	t.Helper()
	m := &episodeModel{run: run, crashes: 1, workers: map[string]*explore.Worker{}, local: map[string]string{}, entries: map[string]bool{}, now: start}
	values := []string{"1", "0"}
	if deep {
		values, m.lost = append(values, "1"), 1
	}
	clock := func() time.Time { return m.now }
	m.queues = mem.NewQueues(mem.QueuesConfig{Now: clock, Visibility: time.Minute, Fault: m.fault})
	m.episodes = mem.NewEpisodes(m.fault)
	m.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"a", "b"}, Now: clock, Immediate: true, Fault: m.fault})
	crew, handlers := explore.NewCrew(), map[string]*decide.Handler{}
	m.settled = true // while the signals are put in place
	for _, region := range []string{"a", "b"} {
		m.workers[region] = crew.Hire(region)
		handlers[region] = decide.New(decide.Config{
			Region: region, Set: sets[region], Queue: m.queues.From(region), Now: clock, Recorder: deaf{},
			Windows: mem.NewWindows(m.tables, region), Episodes: m.episodes.In(region), Backoff: func(int) time.Duration { return time.Second },
		})
		for i, value := range values {
			body, err := loop.Encode(item("t", i+1, value, region == "b"))
			if err != nil {
				t.Fatal(err)
			}
			m.queues.Send(t.Context(), region, loop.QueueSignals, []loop.Outgoing{{Body: body}})
		}
	}
	m.settled = false
	for {
		var names []string
		var ways []func()
		add := func(name string, do func()) { names, ways = append(names, name), append(ways, do) }
		for _, region := range []string{"a", "b"} {
			if w := m.workers[region]; w.Busy() {
				add(w.String()+": goes on", w.Go)
				if m.crashes > 0 {
					add(w.String()+": crashes", func() { m.crashes--; w.Crash() })
				}
				continue
			}
			for i, d := range m.queues.Receive(region, loop.QueueSignals, 10) {
				m.queues.Release(region, loop.QueueSignals, d.Receipt, 0)
				add(fmt.Sprintf("%s receives %d", region, i), func() { m.receive(region, handlers[region], m.take(region, d.ID)) })
			}
		}
		if len(ways) == 0 {
			break
		}
		if seen.Again(run, m.state()) {
			for _, w := range m.workers {
				if w.Busy() {
					w.Crash()
				}
			}
			return nil
		}
		ways[m.pick(names...)]()
	}
	m.settled = true
	for range 20 {
		m.now = m.now.Add(2 * time.Minute)
		for _, region := range []string{"a", "b"} {
			for _, d := range m.queues.Receive(region, loop.QueueSignals, 10) {
				if failed := handlers[region].Handle(t.Context(), []loop.Message{d.Message}); len(failed) == 0 {
					m.queues.Ack(region, loop.QueueSignals, d.Receipt)
				}
			}
		}
	}
	return m
}

// take receives one message and leaves the others as they were.
func (m *episodeModel) take(region, id string) (taken mem.Delivery) {
	for _, d := range m.queues.Receive(region, loop.QueueSignals, 10) {
		if d.ID == id {
			taken = d
		} else {
			m.queues.Release(region, loop.QueueSignals, d.Receipt, 0)
		}
	}
	return taken
}

// wrong says what does not hold at the end of a run; "" where all does.
func (m *episodeModel) wrong(t *testing.T, deep bool) string {
	t.Helper()
	all, err := m.episodes.All()
	if err != nil || len(all) != 1 {
		return fmt.Sprintf("%d episodes, %v", len(all), err)
	}
	e := all[0]
	if e.Open != deep || e.Last.Time != start.Add(2*time.Second) && e.Last.Time != start.Add(3*time.Second) {
		return fmt.Sprintf("open %v at %s: the second signal closes, a third opens", e.Open, e.Last.Time)
	}
	for i, tr := range e.Transitions {
		if want := []loop.Phase{loop.PhaseDo, loop.PhaseUndo}[i%2]; tr.Decision.Phase != want {
			return fmt.Sprintf("transition %d is %s, want %s", i, tr.Decision.Phase, want)
		}
		if i > 0 && tr.Decision.Effects[0].Fence <= e.Transitions[i-1].Decision.Effects[0].Fence {
			return fmt.Sprintf("transition %d does not raise the fence", i)
		}
	}
	bytes := map[string]string{}
	for _, region := range []string{"a", "b"} {
		sent := map[string]bool{}
		for _, d := range m.queues.Receive(region, loop.QueueActions, 100) {
			var env loop.Envelope
			if err := json.Unmarshal(d.Body, &env); err != nil {
				t.Fatal(err)
			}
			for _, it := range env.Items {
				text, err := json.Marshal(it.Effect)
				if err != nil {
					t.Fatal(err)
				}
				if known, ok := bytes[it.Effect.ID]; ok && known != string(text) {
					return fmt.Sprintf("one effect has two renderings:\n%s\n%s", known, text)
				}
				bytes[it.Effect.ID], sent[it.Effect.ID] = string(text), true
			}
		}
		for _, tr := range e.Transitions {
			if !slices.ContainsFunc(tr.Decision.Effects, func(f loop.Effect) bool { return sent[f.ID] }) {
				return fmt.Sprintf("%s never heard of the %s of episode %d", region, tr.Decision.Phase, tr.Decision.Episode)
			}
		}
	}
	return ""
}

// TestEpisodeModel explores open and close (MODEL=deep: and reopen, with a lost answer) in two regions, in any order,
// with a crash anywhere and a deployment between the copies. Quick runs take the first 3,000 ways, not all. In every
// run the state ends as one ordered delivery leaves it, every transition is known to both regions' act, and one
// effect has one rendering.
func TestEpisodeModel(t *testing.T) {
	t.Parallel()
	if os.Getenv("MODEL") == "" {
		t.Skip("run by `make model`")
	}
	sets := map[string]*rule.Set{"a": compiled(t, "", "old"), "b": compiled(t, "{step: first, action: page}, ", "new")}
	begin, seen := time.Now(), explore.NewSeen()
	deep, modelRuns := false, 3000
	if os.Getenv("MODEL") == "deep" { // three signals, a lost answer, and every order
		deep, modelRuns = true, 10_000_000
	}
	runs, all := explore.Every(modelRuns, func(run *explore.Run) bool {
		m := exploredEpisodes(t, run, seen, sets, deep)
		if m == nil {
			return true
		}
		if wrong := m.wrong(t, deep); wrong != "" {
			t.Errorf("%s, after:\n%s", wrong, run)
			return false
		}
		return true
	})
	t.Logf("%d runs to %d states, all %v, in %s", runs, seen.States(), all, time.Since(begin).Round(time.Millisecond))
}
