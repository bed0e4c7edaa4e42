package failover_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"example.com/unbroken/internal/failover"
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
	tab.put(failover.StateKey(west), west, "drained")
	tab.put(failover.VerdictKey(west), east, []int{1})
	tab.put(failover.VerdictKey(west), west, failover.Verdict{At: at})
	views, err := (failover.Reader{Docs: locked(tab), Loop: regions[:]}).Views(t.Context(), east)
	if err != nil || len(views) != 2 || len(views[west].Entries) != 0 || views[west].Objections(at) != 1 {
		t.Errorf("%+v, %v", views, err)
	}
}

func TestWhereOnlyOperatorsDrainObserversAreNotHeard(t *testing.T) {
	t.Parallel()
	tab := &table{docs: map[string]map[string]json.RawMessage{}}
	tab.put(failover.StateKey(west), west, failover.Entry{State: failover.Drained, Since: at})
	tab.put(failover.VerdictKey(west), west, failover.Verdict{At: at})
	tab.put(failover.VerdictKey(west), east, failover.Verdict{At: at})
	r := failover.Reader{Docs: locked(tab), Loop: regions[:], Operator: true}
	views, err := r.Views(t.Context(), east)
	if err != nil || failover.Refuses(at, west, views) || views[west].Objections(at) != 0 {
		t.Errorf("%+v, %v", views, err)
	}
	tab.put(failover.StateKey(west), failover.OperatorKey(east), failover.Entry{State: failover.Drained, Since: at, Order: failover.Drain})
	if views, err = r.Views(t.Context(), east); err != nil || !failover.Refuses(at, west, views) {
		t.Errorf("the operator is not heard: %+v, %v", views, err)
	}
}

// locked makes the table fit for questions that come at once.
func locked(t *table) failover.Documents { return &mutexed{t: t, turn: make(chan struct{}, 1)} }

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
	g := &failover.Gate{Reader: failover.Reader{Docs: locked(tab), Loop: regions[:]}, Region: west, Now: func() time.Time { return now }}
	if g.Refuses(t.Context()) || tab.asked != 1 {
		t.Fatalf("a region that nobody drained refuses, or asks %d times", tab.asked)
	}
	tab.put(failover.StateKey(west), failover.OperatorKey(east), failover.Entry{State: failover.Drained, Since: at, Order: failover.Drain})
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
	delete(tab.docs, failover.StateKey(west))
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
	older := map[string]failover.View{west: {
		Entries:  map[string]failover.Entry{east: entry(failover.Drained, time.Hour, "")},
		Verdicts: map[string]failover.Verdict{east: {At: at.Add(-time.Minute)}, west: {At: at}},
	}}
	newer := map[string]failover.View{west: {
		Entries:  map[string]failover.Entry{east: entry(failover.Active, time.Minute, "")},
		Verdicts: map[string]failover.Verdict{east: {At: at, Healthy: true}},
	}}
	for _, all := range []map[string]failover.View{failover.Merge(older, newer), failover.Merge(newer, nil, older)} {
		v := all[west]
		if v.Entries[east].State != failover.Active || !v.Verdicts[east].Healthy || v.Verdicts[west].At != at {
			t.Errorf("%+v", v)
		}
	}
}
