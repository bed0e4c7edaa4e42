package decide_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
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
// write may be lost, and the other region may move. A read counts as made at the step before it.
//
// In its state a worker is its message, the entries it saw last and the episode as it read it last or is about to write
// it: what observe looks at from there on. Sends touch nothing but the region's own `actions`, which nobody receives
// from here, so they come at once or never.
type episodeModel struct {
	run           *explore.Run
	crashes, lost int
	queues        *mem.Queues
	first         int // which visible message a Receive takes
	tables        *mem.Replicas
	episode       decide.Episode // as it stands
	workers       map[string]*explore.Worker
	memory        map[string]*workerMemory
	entries       map[string]bool // which entries stand where
	now           time.Time
	settled       bool
}

// workerMemory is printed only where a state is asked for.
type workerMemory struct {
	message, receipt string
	seen             []decide.Entry
	episode          decide.Episode
	was              string // what became of the episode
}

func (k *workerMemory) print() string {
	text, err := json.Marshal(k.episode)
	if err != nil {
		panic(err)
	}
	at := make([]string, len(k.seen))
	for i, e := range k.seen {
		at[i] = e.Pos.String()
	}
	return fmt.Sprint(k.message, at, k.was, string(text))
}

func (m *episodeModel) step(region, at string) {
	if !m.settled {
		m.workers[region].Step(at)
	}
}

func (m *episodeModel) pick(names ...string) int {
	return m.run.Pick(len(names), func(i int) string { return names[i] })
}

// modelEpisodes is the one episode of the model as a region sees it, a linearizable one like mem.Episodes but without
// its encoding, which is most of what a run would cost.
type modelEpisodes struct {
	m      *episodeModel
	region string
}

func (e modelEpisodes) knows(what string, ep decide.Episode, err error) {
	k := e.m.memory[e.region]
	k.episode, k.was = apart(ep), fmt.Sprint(what, err)
}

func (e modelEpisodes) Get(_ context.Context, ref decide.Ref) (decide.Episode, error) {
	stored := apart(e.m.episode)
	stored.Ref = ref
	e.knows("read ", stored, nil)
	return stored, nil
}

func (e modelEpisodes) Put(_ context.Context, next decide.Episode) (err error) {
	e.knows("writes ", next, nil)
	e.m.step(e.region, "episodes Put")
	if next.Rev == e.m.episode.Rev {
		e.m.episode = apart(next)
		e.m.episode.Rev++
	} else {
		err = loop.ErrConflict
	}
	if !e.m.settled && e.m.lost > 0 && e.m.pick("answered", "answer lost") == 1 {
		e.m.lost--
		err = errors.New("the answer was lost")
	}
	e.knows("wrote ", next, err)
	return err
}

// apart is a copy that shares nothing which anybody writes to.
func apart(e decide.Episode) decide.Episode {
	e.Transitions, e.Flips = slices.Clone(e.Transitions), slices.Clone(e.Flips)
	for i, t := range e.Transitions {
		e.Transitions[i].SentBy = slices.Clone(t.SentBy)
	}
	return e
}

type modelWindows struct {
	decide.Windows
	m      *episodeModel
	region string
}

func (w modelWindows) Around(ctx context.Context, ref decide.Ref, look decide.Look) (decide.Seen, error) {
	seen, err := w.Windows.Around(ctx, ref, look)
	k := w.m.memory[w.region]
	k.seen, k.episode, k.was = slices.Clone(seen.Entries), decide.Episode{}, fmt.Sprint(err)
	return seen, err
}

func (w modelWindows) Put(ctx context.Context, ref decide.Ref, entries []decide.Entry, keep time.Duration) error {
	w.m.step(w.region, "windows Put")
	for _, e := range entries {
		w.m.entries[w.region+e.Pos.String()] = true
	}
	return w.Windows.Put(ctx, ref, entries, keep)
}

const atSend = "send"

type modelQueue struct {
	decide.Queue
	m      *episodeModel
	region string
}

func (q modelQueue) Send(ctx context.Context, region, queue string, msgs []loop.Outgoing) []error {
	if len(msgs) > 0 {
		q.m.step(q.region, atSend)
	}
	return q.Queue.Send(ctx, region, queue, msgs)
}

func (m *episodeModel) print() string {
	text, err := json.Marshal(m.episode)
	if err != nil {
		panic(err)
	}
	return fmt.Sprint(string(text), slices.Sorted(maps.Keys(m.entries)))
}

func (m *episodeModel) state() []byte {
	at := ""
	for _, region := range []string{"a", "b"} {
		if w := m.workers[region]; w.Busy() {
			at += fmt.Sprint(w, m.memory[region].print())
		}
	}
	return fmt.Appendf(nil, "%s|%s|%s", m.print(), m.lying(), at)
}

// lying is every message with the time it becomes visible at, in no order, as a queue has none.
func (m *episodeModel) lying() string {
	var lines []string
	for _, region := range []string{"a", "b"} {
		for _, queue := range []string{loop.QueueSignals, loop.QueueActions} {
			for _, l := range m.queues.Lying(region, queue) {
				lines = append(lines, fmt.Sprintf("%s %s %s %s", region, queue, l.Visible.Format(time.TimeOnly), l.Body))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (m *episodeModel) receive(region string, h *decide.Handler, d mem.Delivery) {
	w := m.workers[region]
	*m.memory[region] = workerMemory{message: string(d.Body), receipt: d.Receipt}
	w.Start(func(crashed func() bool) {
		failed := h.Handle(context.Background(), []loop.Message{d.Message})
		if !crashed() && len(failed) == 0 {
			m.queues.Ack(region, loop.QueueSignals, d.Receipt)
		}
	})
}

// episodePlan is what happens to a key: hits and what is none, a second apart, all of which region a gets; the peer's
// copies of them; and how many answers of a write may be lost, besides one crash.
type episodePlan struct {
	values string
	copies string // "13": the first and the third
	lost   int
}

func newEpisodeModel(t *testing.T, run *explore.Run, sets map[string]*rule.Set, plan episodePlan) (*episodeModel, map[string]*decide.Handler) {
	t.Helper()
	m := &episodeModel{run: run, crashes: 1, lost: plan.lost, workers: map[string]*explore.Worker{}, memory: map[string]*workerMemory{}, entries: map[string]bool{}, now: start}
	clock := func() time.Time { return m.now }
	m.queues = mem.NewQueues(mem.QueuesConfig{Now: clock, Visibility: time.Minute, Shuffle: func(_ int, swap func(i, j int)) {
		if m.first > 0 {
			swap(0, m.first)
		}
	}})
	m.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"a", "b"}, Now: clock, Immediate: true})
	crew, handlers := explore.NewCrew(), map[string]*decide.Handler{}
	for _, region := range []string{"a", "b"} {
		m.workers[region], m.memory[region] = crew.Hire(region), &workerMemory{}
		handlers[region] = decide.New(decide.Config{
			Region: region, Set: sets[region], Queue: modelQueue{m.queues.From(region), m, region}, Now: clock, Recorder: deaf{},
			Windows: modelWindows{mem.NewWindows(m.tables, region), m, region}, Episodes: modelEpisodes{m, region},
			Backoff: func(int) time.Duration { return time.Second },
		})
		for i, value := range strings.Split(plan.values, "") {
			if region == "b" && !strings.Contains(plan.copies, strconv.Itoa(i+1)) {
				continue
			}
			body, err := loop.Encode(item("t", i+1, value, region == "b"))
			if err != nil {
				t.Fatal(err)
			}
			m.queues.Send(t.Context(), region, loop.QueueSignals, []loop.Outgoing{{Body: body}})
		}
	}
	return m, handlers
}

// ways are what can happen next, with their names.
func (m *episodeModel) ways(handlers map[string]*decide.Handler) (names []string, ways []func()) {
	add := func(name string, do func()) { names, ways = append(names, name), append(ways, do) }
	move := func(region string, w *explore.Worker) {
		add(w.String()+": goes on", w.Go)
		if m.crashes > 0 {
			add(w.String()+": crashes", func() {
				m.crashes--
				w.Crash() // its message may be received again from now on
				m.queues.Release(region, loop.QueueSignals, m.memory[region].receipt, 0)
			})
		}
	}
	for _, region := range []string{"a", "b"} {
		if w := m.workers[region]; w.Busy() && w.At() == atSend {
			move(region, w)
			return names, ways
		}
	}
	for _, region := range []string{"a", "b"} {
		if w := m.workers[region]; w.Busy() {
			move(region, w)
			continue
		}
		n := 0
		for _, l := range m.queues.Lying(region, loop.QueueSignals) {
			if l.Visible.After(m.now) {
				continue
			}
			first := n
			add(fmt.Sprintf("%s receives %d", region, first), func() {
				m.first = first
				d := m.queues.Receive(region, loop.QueueSignals, 1)[0]
				m.first = 0
				m.receive(region, handlers[region], d)
			})
			n++
		}
	}
	return names, ways
}

// exploredEpisodes is one run: the choices first, then the way to rest; nil where it came to a known state.
func exploredEpisodes(t *testing.T, run *explore.Run, seen *explore.Seen, sets map[string]*rule.Set, plan episodePlan) *episodeModel {
	t.Helper()
	m, handlers := newEpisodeModel(t, run, sets, plan)
	for {
		names, ways := m.ways(handlers)
		if len(ways) == 0 {
			break
		}
		if seen.Again(run, m.state, m.crashes, m.lost) {
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

// wrong says what does not hold at the end of a run; "" where all does.
func (m *episodeModel) wrong(t *testing.T, plan episodePlan) string {
	t.Helper()
	e := m.episode
	if e.Open != strings.HasSuffix(plan.values, "1") || e.Last.Time != start.Add(2*time.Second) && e.Last.Time != start.Add(3*time.Second) {
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
		if region == "b" && len(plan.copies) < len(plan.values) {
			continue // what it has no copy of it need not know
		}
		for _, tr := range e.Transitions {
			if !slices.ContainsFunc(tr.Decision.Effects, func(f loop.Effect) bool { return sent[f.ID] }) {
				return fmt.Sprintf("%s never heard of the %s of episode %d", region, tr.Decision.Phase, tr.Decision.Episode)
			}
		}
	}
	return ""
}

// TestEpisodeModel explores open and close in two regions, in any order, with a crash and a redelivery anywhere and a
// deployment between the copies; MODEL=deep: with a lost answer, too, and reopening, with one signal's copy in the peer. In
// every run the state ends as one ordered delivery leaves it, every transition is known to the act of each region that
// has copies of all, and one effect has one rendering.
func TestEpisodeModel(t *testing.T) {
	t.Parallel()
	plans := map[string][]episodePlan{
		"quick": {{values: "10", copies: "12"}},
		"deep":  {{values: "10", copies: "12", lost: 1}, {values: "101", copies: "1"}, {values: "101", copies: "2"}, {values: "101", copies: "3"}},
	}[os.Getenv("MODEL")]
	if plans == nil {
		t.Skip("run by `make model`")
	}
	sets := map[string]*rule.Set{"a": compiled(t, "", "old"), "b": compiled(t, "{step: first, action: page}, ", "new")}
	for _, plan := range plans {
		begin, seen := time.Now(), explore.NewSeen()
		runs, all := explore.Every(10_000_000, func(run *explore.Run) bool {
			m := exploredEpisodes(t, run, seen, sets, plan)
			if m == nil {
				return true
			}
			if wrong := m.wrong(t, plan); wrong != "" {
				t.Errorf("%+v: %s, after:\n%s", plan, wrong, run)
				return false
			}
			return true
		})
		if !all && !t.Failed() {
			t.Error("not every order was explored")
		}
		t.Logf("%+v: %d runs to %d states, all %v, in %s", plan, runs, seen.States(), all, time.Since(begin).Round(time.Millisecond))
	}
}
