package observe_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
	"example.com/unbroken/internal/observe"
)

// stage is two regions with ingest's notes, the watchers that read them, and the queues that they tell.
type stage struct {
	now      time.Time
	cut      map[string]bool // regions that nobody reaches
	mute     bool            // no queue takes anything
	tables   *mem.Replicas
	records  *mem.Records
	queues   *mem.Queues
	inputs   map[string]loop.Input
	mu       sync.Mutex
	switches []bool
	heard    map[string]*ingest.Listener
}

var errCut = errors.New("cut off")

func newStage(in loop.Input) *stage {
	s := &stage{now: at, cut: map[string]bool{}, inputs: map[string]loop.Input{"load": in, "other": {}}, heard: map[string]*ingest.Listener{}}
	fault := func(op mem.Op) error {
		if s.cut[op.Region] || s.mute && op.Service == "queue" {
			return errCut
		}
		return nil
	}
	now := func() time.Time { return s.now }
	s.tables = mem.NewReplicas(mem.ReplicasConfig{Regions: []string{east, west}, Now: now, Immediate: true, Fault: fault})
	s.records = mem.NewRecords(nil)
	s.queues = mem.NewQueues(mem.QueuesConfig{Now: now, Visibility: time.Minute, MaxReceive: 20, Fault: fault})
	for _, region := range []string{east, west} {
		s.heard[region] = &ingest.Listener{
			Observer: deaf{}, Region: region, Inputs: s.inputs, Notes: mem.NewDocuments(s.tables, region), Now: now, Lost: func(context.Context, error) {},
		}
	}
	return s
}

type deaf struct{ ingest.Observer }

func (deaf) Accepted(context.Context, string, []string, int) {}

// Watched implements observe.WatchRecorder.
func (s *stage) Watched(_ context.Context, w loop.Watched, _ string, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if changed {
		s.switches = append(s.switches, w.Stalled)
	}
}

func (s *stage) watcher(region string) *observe.Watcher {
	return &observe.Watcher{
		Region: region, Peer: loop.Peer([]string{east, west}, region), StandbyDelay: 20 * time.Second, Regions: []string{east, west}, Inputs: s.inputs,
		Docs: mem.NewDocuments(s.tables, region), Records: s.records.In(region), Queue: s.queues.From(region), Recorder: s,
		Now: func() time.Time { return s.now },
	}
}

// minutes lets time pass; every region that hears takes a signal each ten seconds, and both observers look each minute.
func (s *stage) minutes(t *testing.T, n int, hear ...string) {
	t.Helper()
	for range n {
		for range 6 {
			s.now = s.now.Add(10 * time.Second)
			for _, region := range hear {
				s.heard[region].Accepted(t.Context(), "load", []string{"k"}, 2)
			}
		}
		for _, region := range []string{east, west} {
			if err := s.watcher(region).Run(t.Context()); err != nil && !s.mute && len(s.cut) == 0 {
				t.Fatal(err)
			}
		}
	}
}

func (s *stage) state(t *testing.T) (w loop.Watched) {
	t.Helper()
	raw, _, err := s.records.In(east).Load(t.Context(), loop.WatchedKey("load"))
	if err == nil && raw != nil {
		err = json.Unmarshal(raw, &w)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// told are the signals on a region's queue, "type id standby?" each.
func (s *stage) told(t *testing.T, region string) (all []string) {
	t.Helper()
	s.now = s.now.Add(20 * time.Second)
	for {
		msgs := s.queues.Receive(region, loop.QueueSignals, 10)
		if len(msgs) == 0 {
			return all
		}
		for _, m := range msgs {
			var e loop.Envelope
			if err := json.Unmarshal(m.Body, &e); err != nil {
				t.Fatal(err)
			}
			var signal struct{ ID, Type, Source, Subject string }
			if err := json.Unmarshal(e.Items[0].Signal, &signal); err != nil {
				t.Fatal(err)
			}
			line := signal.Type + " " + signal.ID
			if e.Items[0].Standby {
				line += " standby"
			}
			if signal.Source != loop.WatcherSource || signal.Subject != "load" || e.Items[0].Input != "load" {
				t.Errorf("%+v", e.Items[0])
			}
			all = append(all, line)
		}
	}
}

var watched = loop.Input{ExpectEvery: loop.Duration(time.Minute), Standby: "other"}

func TestAnInputThatFallsSilentIsSwitchedAndComesBack(t *testing.T) {
	t.Parallel()
	s := newStage(watched)
	s.minutes(t, 10, east)
	if s.state(t).Stalled || len(s.switches) > 0 {
		t.Fatalf("heard in one region, and stalled: %+v", s.state(t))
	}
	s.minutes(t, 3)
	if w := s.state(t); !w.Stalled || w.N != 1 || w.Pending {
		t.Fatalf("%+v", w)
	}
	// Both regions are told, once, whoever looked: the peer of who saw it by its standby copy.
	if here, there := s.told(t, east), s.told(t, west); !slices.Equal(here, []string{"unbroken.input.stalled load/1"}) ||
		!slices.Equal(there, []string{"unbroken.input.stalled load/1 standby"}) {
		t.Errorf("told %v and %v", here, there)
	}
	s.minutes(t, 3, west)
	if !s.state(t).Stalled {
		t.Error("recovered at once")
	}
	s.minutes(t, 4, west)
	if w := s.state(t); w.Stalled || w.N != 2 || !slices.Equal(s.switches, []bool{true, false}) {
		t.Errorf("%+v, switches %v", w, s.switches)
	}
}

func TestAShareThatFallsSilentIsAStallWhereEachRegionHasOne(t *testing.T) {
	t.Parallel()
	in := watched
	in.ExpectIn = loop.ExpectEach
	s := newStage(in)
	s.minutes(t, 5, east, west)
	s.minutes(t, 3, east)
	if w := s.state(t); !w.Stalled || !slices.Equal(w.Silent, []string{west}) {
		t.Errorf("%+v", w)
	}
}

// A switch that could not be told is told by the next run, with the same id.
func TestASwitchIsToldInTheEnd(t *testing.T) {
	t.Parallel()
	s := newStage(watched)
	s.mute = true
	s.minutes(t, 4)
	if w := s.state(t); !w.Stalled || !w.Pending {
		t.Fatalf("%+v", w)
	}
	s.mute = false
	s.minutes(t, 1)
	if told := s.told(t, east); len(told) != 1 || told[0] != "unbroken.input.stalled load/1" || s.state(t).Pending || len(s.switches) != 1 {
		t.Errorf("told %v, %+v, switches %v", told, s.state(t), s.switches)
	}
}

// Missing data is no silence: where no table answers, nothing is switched.
func TestAWatcherThatSeesNothingSwitchesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(watched)
	s.minutes(t, 3, east)
	s.cut[east], s.cut[west] = true, true
	s.minutes(t, 9)
	if err := s.watcher(east).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "load") {
		t.Errorf("got %v", err)
	}
	if s.state(t).Stalled {
		t.Error("switched")
	}
}

// The dead region's last notes are in the other's table, and what the other hears counts.
func TestARegionThatIsGoneDoesNotStallWhatAnotherHears(t *testing.T) {
	t.Parallel()
	s := newStage(watched)
	s.minutes(t, 3, east)
	s.cut[east] = true
	s.minutes(t, 9, west)
	if w := s.state(t); w.Stalled {
		t.Errorf("%+v", w)
	}
}
