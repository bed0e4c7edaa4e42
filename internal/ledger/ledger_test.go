package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/ledger"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// sampled finds ids of signals that are in the sample, and one that is not.
func sampled(n int) (ids []string, other string) {
	for i := 0; len(ids) < n || other == ""; i++ {
		if id := fmt.Sprint(i); loop.Sampled(loop.SignalKey("shop", id)) {
			ids = append(ids, id)
		} else {
			other = id
		}
	}
	return ids, other
}

type deaf struct{ decide.Recorder }

func (deaf) Accepted(context.Context, string, []string, int)   {}
func (deaf) Refused(context.Context, string, loop.Code, int)   {}
func (deaf) Unarchived(context.Context, string, int)           {}
func (deaf) Decided(context.Context, loop.Decision, loop.Item) {}
func (deaf) Batch(context.Context, []loop.Item, int)           {}

// stages are the recorders of a region over a table of its own.
type stages struct {
	ingest.Observer
	decide ledger.Decide
	act    ledger.Act
	table  *mem.Replicas
	lost   []error
}

func newStages(fault mem.Fault) *stages {
	s := &stages{table: mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"a"}, Now: func() time.Time { return noon }, Immediate: true, Fault: fault})}
	book := &ledger.Book{
		Region: "a", Docs: mem.NewDocuments(s.table, "a"), Now: func() time.Time { return noon },
		Lost: func(_ context.Context, err error) { s.lost = append(s.lost, err) },
	}
	s.Observer = ledger.Ingest{Observer: deaf{}, Book: book}
	s.decide, s.act = ledger.Decide{Recorder: deaf{}, Book: book}, ledger.Act{Recorder: actDeaf{}, Book: book}
	return s
}

type actDeaf struct{}

func (actDeaf) Landed(context.Context, *act.Landing)                 {}
func (actDeaf) Retried(context.Context, *act.Landing, time.Duration) {}

func (s *stages) entries(t *testing.T) []ledger.Entry {
	t.Helper()
	docs, err := mem.NewDocuments(s.table, "a").Query(t.Context(), "a", ledger.Name("a", noon))
	if err != nil {
		t.Fatal(err)
	}
	all, err := ledger.Decode(docs)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func item(id string) loop.Item {
	return loop.Item{Signal: json.RawMessage(`{"source":"shop","id":"` + id + `"}`), Sampled: loop.Sampled(loop.SignalKey("shop", id))}
}

// follow takes a signal through the stages as far as it comes.
func (s *stages) follow(ctx context.Context, id string, stages int) {
	key := loop.SignalKey("shop", id)
	effect := loop.Effect{ID: "effect of " + id, SignalKey: key}
	for i, step := range []func(){
		func() { s.Accepted(ctx, "default", []string{key}, 2) },
		func() {
			s.decide.Decided(ctx, loop.Decision{ID: "d", SignalKey: key, Effects: []loop.Effect{effect}}, item(id))
		},
		func() { s.decide.Batch(ctx, []loop.Item{item(id)}, 0) },
		func() {
			s.act.Landed(ctx, &act.Landing{Item: loop.Item{Effect: &effect}, Status: loop.StatusDone, Repeat: true})
		},
	} {
		if i < stages {
			step()
		}
	}
}

func TestWhatIsLostAnywhereIsFound(t *testing.T) {
	t.Parallel()
	s := newStages(nil)
	ids, other := sampled(4)
	for i, id := range ids {
		s.follow(t.Context(), id, 4-i) // the first one all the way, the last one into ingest only
		s.follow(t.Context(), id, 1)   // accepted twice: one signal
	}
	b := ledger.Compare(s.entries(t), noon.Add(time.Second))
	if b.Accepted != 4 || b.Effects != 3 || b.Young != 0 {
		t.Errorf("books: %+v", b)
	}
	var open []string
	for _, o := range b.Open {
		open = append(open, fmt.Sprint(slices.IndexFunc(ids, func(id string) bool { return loop.SignalKey("shop", id) == o.Signal }), o.Effect != ""))
	}
	slices.Sort(open)
	// The second one's effect did not end; the third one's neither, and decide is not through with it; the last one was not decided.
	if want := []string{"1 true", "2 false", "2 true", "3 false"}; !slices.Equal(open, want) {
		t.Errorf("open: %v, want %v", open, want)
	}
	if b := ledger.Compare(s.entries(t), noon); b.Young != 4 || len(b.Open) != 0 {
		t.Errorf("what has just been accepted is owed already: %+v", b)
	}

	before := len(s.entries(t))
	s.follow(t.Context(), other, 4)
	if after := len(s.entries(t)); after != before {
		t.Errorf("%d entries about a signal outside of the sample", after-before)
	}
}

// What the loop itself emitted, or what was accepted before the time that is looked at, is not owed.
func TestAnEndWithoutABeginningBalances(t *testing.T) {
	t.Parallel()
	b := ledger.Compare([]ledger.Entry{{Signal: "s", Kind: ledger.Ended, Effect: "e", At: noon}, {Signal: "s", Kind: ledger.Decided, Effects: []string{"f"}}}, noon.Add(time.Hour))
	if b.Accepted != 0 || len(b.Open) != 0 {
		t.Errorf("books: %+v", b)
	}
}

func TestBooksThatCannotBeWrittenStopNothing(t *testing.T) {
	t.Parallel()
	s := newStages(func(mem.Op) error { return errors.New("down") })
	ids, _ := sampled(1)
	s.follow(t.Context(), ids[0], 4)
	if len(s.lost) != 4 {
		t.Errorf("%d of 4 losses were told", len(s.lost))
	}
}

func TestRepeatedEntriesAreOne(t *testing.T) {
	t.Parallel()
	s := newStages(nil)
	ids, _ := sampled(1)
	for range 3 {
		s.follow(t.Context(), ids[0], 4)
	}
	if n := len(s.entries(t)); n != 4 {
		t.Errorf("%d entries, want 4", n)
	}
}
