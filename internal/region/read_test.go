package region_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"example.com/unbroken/internal/region"
)

// table is one region's documents, and how often it was asked.
type table struct {
	docs  map[string]map[string]json.RawMessage
	down  error
	asked int
}

func (t *table) Query(_ context.Context, _, pk string) (map[string]json.RawMessage, error) {
	t.asked++
	return t.docs[pk], t.down
}

func (t *table) put(pk, sk string, doc any) {
	raw, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	if t.docs[pk] == nil {
		t.docs[pk] = map[string]json.RawMessage{}
	}
	t.docs[pk][sk] = raw
}

func TestWhatCannotBeReadHasNoVoice(t *testing.T) {
	t.Parallel()
	tab := &table{docs: map[string]map[string]json.RawMessage{}}
	tab.put(region.StateKey(west), west, "drained")
	tab.put(region.VerdictKey(west), east, []int{1})
	tab.put(region.VerdictKey(west), west, region.Verdict{At: at})
	views, err := (region.Reader{Docs: locked(tab), Loop: regions[:]}).Views(t.Context(), east)
	if err != nil || len(views) != 2 || len(views[west].Entries) != 0 || views[west].Objections(at) != 1 {
		t.Errorf("%+v, %v", views, err)
	}
}

// A verdict that does not say whether the region is well is no objection, and one of an observer that the loop does not
// have, or no longer has, is nobody's.
func TestOnlyVerdictsOfTheLoopsObserversCount(t *testing.T) {
	t.Parallel()
	tab := &table{docs: map[string]map[string]json.RawMessage{}}
	for observer, verdict := range map[string]map[string]any{
		east:             {"at": at, "well": true},
		"us-east-1":      {"at": at, "healthy": nil},
		west:             {"at": at, "healthy": false},
		"eu-central-1":   {"at": at, "healthy": false},
		"ap-southeast-2": {"at": at, "healthy": true, "since": at},
	} {
		tab.put(region.VerdictKey(west), observer, verdict)
	}
	r := region.Reader{Docs: locked(tab), Loop: regions[:], Observers: observers[:]}
	v, err := r.View(t.Context(), east, west)
	if err != nil || len(v.Verdicts) != 1 || v.Objections(at) != 1 {
		t.Errorf("%+v, %v; want that of %s alone", v.Verdicts, err, west)
	}
	r.Observers = nil
	if v, err = r.View(t.Context(), east, west); err != nil || len(v.Verdicts) != 3 {
		t.Errorf("%+v, %v; where no observers are named, all count that say something", v.Verdicts, err)
	}
}

func TestWhereOnlyOperatorsDrainObserversAreNotHeard(t *testing.T) {
	t.Parallel()
	tab := &table{docs: map[string]map[string]json.RawMessage{}}
	tab.put(region.StateKey(west), west, region.Entry{State: region.Drained, Since: at})
	tab.put(region.VerdictKey(west), west, region.Verdict{At: at})
	tab.put(region.VerdictKey(west), east, region.Verdict{At: at})
	r := region.Reader{Docs: locked(tab), Loop: regions[:], Operator: true}
	views, err := r.Views(t.Context(), east)
	if err != nil || region.Refuses(at, west, views) || views[west].Objections(at) != 0 {
		t.Errorf("%+v, %v", views, err)
	}
	tab.put(region.StateKey(west), region.OperatorKey(east), region.Entry{State: region.Drained, Since: at, Order: region.Drain})
	if views, err = r.Views(t.Context(), east); err != nil || !region.Refuses(at, west, views) {
		t.Errorf("the operator is not heard: %+v, %v", views, err)
	}
}

// locked makes the table fit for questions that come at once.
func locked(t *table) region.Documents { return &mutexed{t: t, turn: make(chan struct{}, 1)} }

type mutexed struct {
	t    *table
	turn chan struct{}
}

func (m *mutexed) Query(ctx context.Context, r, pk string) (map[string]json.RawMessage, error) {
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	return m.t.Query(ctx, r, pk)
}

func TestTheGate(t *testing.T) {
	t.Parallel()
	tab := &table{docs: map[string]map[string]json.RawMessage{}}
	now := at
	g := &region.Gate{Reader: region.Reader{Docs: locked(tab), Loop: regions[:]}, Region: west, Now: func() time.Time { return now }}
	if g.Refuses(t.Context()) || tab.asked != 1 {
		t.Fatalf("a region that nobody drained refuses, or asks %d times", tab.asked)
	}
	tab.put(region.StateKey(west), region.OperatorKey(east), region.Entry{State: region.Drained, Since: at, Order: region.Drain})
	if g.Refuses(t.Context()) || tab.asked != 1 {
		t.Error("asked again within the second")
	}
	now = now.Add(time.Second)
	if !g.Refuses(t.Context()) {
		t.Error("a second later the drain is not known")
	}
	tab.down = errors.New("down")
	now = now.Add(time.Second)
	if !g.Refuses(t.Context()) {
		t.Error("a table that does not answer restored the region")
	}
	tab.down = nil
	delete(tab.docs, region.StateKey(west))
	now = now.Add(time.Second)
	if g.Refuses(t.Context()) {
		t.Error("it is not taken back")
	}
	tab.down = errors.New("down")
	now = now.Add(time.Second)
	if g.Refuses(t.Context()) {
		t.Error("a table that does not answer drained the region")
	}
}

func TestOfSeveralTablesTheNewestCounts(t *testing.T) {
	t.Parallel()
	older := map[string]region.View{west: {
		Entries:  map[string]region.Entry{east: entry(region.Drained, time.Hour, "")},
		Verdicts: map[string]region.Verdict{east: {At: at.Add(-time.Minute)}, west: {At: at}},
	}}
	newer := map[string]region.View{west: {
		Entries:  map[string]region.Entry{east: entry(region.Active, time.Minute, "")},
		Verdicts: map[string]region.Verdict{east: {At: at, Healthy: true}},
	}}
	for _, all := range []map[string]region.View{region.Merge(older, newer), region.Merge(newer, nil, older)} {
		v := all[west]
		if v.Entries[east].State != region.Active || !v.Verdicts[east].Healthy || v.Verdicts[west].At != at {
			t.Errorf("%+v", v)
		}
	}
}
