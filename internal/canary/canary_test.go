package canary_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/unbroken/internal/canary"
	"example.com/unbroken/internal/ingest"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/mem"
)

// world is a region's queues and table, and its endpoint, on the bubble's clock.
type world struct {
	queues *mem.Queues
	docs   *mem.Documents
	mu     sync.Mutex
	posted [][]byte
	refuse error // by the endpoint
	fault  mem.Fault
	board  int // writes of keys
}

func newWorld() *world {
	w := &world{}
	fault := func(op mem.Op) error {
		if op.Service == "documents" && op.Name == "Put" && op.When == mem.Before {
			w.board++
		}
		if w.fault != nil {
			return w.fault(op)
		}
		return nil
	}
	w.queues = mem.NewQueues(mem.QueuesConfig{Now: time.Now, Visibility: time.Hour, Fault: fault})
	w.docs = mem.NewDocuments(mem.NewReplicas(mem.ReplicasConfig{Regions: []string{"a"}, Now: time.Now, Fault: fault}), "a")
	return w
}

func (w *world) Post(_ context.Context, event []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse == nil {
		w.posted = append(w.posted, event)
	}
	return w.refuse
}

// taken are the events that were posted since it was called last.
func (w *world) taken() (all [][]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all, w.posted = w.posted, nil
	return all
}

func (w *world) sender(t *testing.T, kinds ...string) *canary.Sender {
	t.Helper()
	key, err := canary.NewKey(rand.NewChaCha8([32]byte{}))
	if err != nil {
		t.Fatal(err)
	}
	return &canary.Sender{Region: "a", Kinds: kinds, Queue: w.queues.From("a"), HTTP: w, Board: w.docs, Key: key, Now: time.Now}
}

// comesIn passes an event to ingest, as it came by the kind's way, and returns the code of its refusal.
func (w *world) comesIn(t *testing.T, kind string, raw []byte) loop.Code {
	t.Helper()
	if _, err := ingest.ParseEvent(raw); loop.CodeOf(err) != loop.CodeReserved {
		t.Errorf("as a user's: %v", err)
	}
	a := ingest.New(ingest.Config{
		Region: "a", Queue: w.queues.From("a"), Now: time.Now, Canaries: &canary.Verifier{Region: "a", Keys: w.docs, Now: time.Now},
		Inputs: map[string]loop.Input{"h": {Kind: loop.KindHTTP}, "q": {Kind: loop.KindQueue}},
	})
	if kind == loop.KindHTTP {
		rec := httptest.NewRecorder()
		ingest.NewHTTP(a).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, loop.CanaryPath, bytes.NewReader(raw)))
		var p ingest.Problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		return p.Code
	}
	inbox, err := ingest.NewInbox(a, "q")
	if err != nil {
		t.Fatal(err)
	}
	if failed := inbox.Handle(t.Context(), []loop.Message{{ID: "m", Body: raw}}); len(failed) > 0 {
		return loop.CodeUnavailable
	}
	var q ingest.Quarantined
	if dead := w.queues.Receive("a", loop.DeadLetter(loop.QueueInbox), 1); len(dead) > 0 {
		if err := json.Unmarshal(dead[0].Body, &q); err != nil {
			t.Fatal(err)
		}
	}
	return q.Quarantine.Reason
}

// items are what lies in the region's `signals`, taken out.
func (w *world) items(t *testing.T) (all []loop.Item) {
	t.Helper()
	for _, m := range w.queues.Receive("a", loop.QueueSignals, 10) {
		var env loop.Envelope
		if err := json.Unmarshal(m.Body, &env); err != nil {
			t.Fatal(err)
		}
		all = append(all, env.Items...)
		w.queues.Ack("a", loop.QueueSignals, m.Receipt)
	}
	return all
}

// One of each kind every half minute, each by its own way in, and ingest takes it there.
func TestACanaryOfEveryKindEveryHalfMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := w.sender(t, loop.KindHTTP, loop.KindQueue)
		ids := map[string]bool{}
		for range 2 { // minutes
			ran := make(chan error, 1)
			start := time.Now()
			go func() { ran <- s.Run(t.Context()) }()
			for range 2 {
				synctest.Wait()
				posted, inbox := w.taken(), w.queues.Receive("a", loop.QueueInbox, 10)
				if len(posted) != 1 || len(inbox) != 1 {
					t.Fatalf("%d were posted and %d lie in the inbox after %s", len(posted), len(inbox), time.Since(start))
				}
				for kind, raw := range map[string][]byte{loop.KindHTTP: posted[0], loop.KindQueue: inbox[0].Body} {
					if code := w.comesIn(t, kind, raw); code != "" {
						t.Errorf("%s: %s", kind, code)
					}
					items := w.items(t)
					if len(items) != 1 || items[0].Input != kind || !items[0].AcceptedAt.Equal(time.Now()) {
						t.Fatalf("%s: %+v: it counts from when it is sent, %s", kind, items, time.Now())
					}
					var event struct{ ID string }
					if err := json.Unmarshal(items[0].Signal, &event); err != nil {
						t.Fatal(err)
					}
					ids[event.ID] = true
				}
				time.Sleep(loop.CanaryEvery) // the bubble's clock
			}
			if err := <-ran; err != nil {
				t.Fatal(err)
			}
		}
		if len(ids) != 8 {
			t.Errorf("%d different ids of 8 canaries", len(ids))
		}
		if w.board != 1 {
			t.Errorf("its key was announced %d times in two minutes", w.board)
		}
	})
}

// A canary of one way that comes by the other is refused there.
func TestACanaryIsNotTakenByAnotherWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		if err := w.sender(t, loop.KindHTTP, loop.KindQueue).Send(t.Context()); err != nil {
			t.Fatal(err)
		}
		if code := w.comesIn(t, loop.KindQueue, w.posted[0]); code != loop.CodeReserved {
			t.Errorf("by the inbox: %q", code)
		}
		if code := w.comesIn(t, loop.KindHTTP, w.queues.Receive("a", loop.QueueInbox, 1)[0].Body); code != loop.CodeReserved {
			t.Errorf("over HTTP: %q", code)
		}
		if items := w.items(t); len(items) > 0 {
			t.Errorf("stored: %+v", items)
		}
	})
}

// Where inputs are of other kinds only, a canary enters where they all meet.
func TestACanaryOfNoWayInEntersAtSignals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		if err := w.sender(t, loop.Canaries(map[string]loop.Input{"p": {Kind: loop.KindPoll}, "a": {Kind: loop.KindAlarm}})...).Send(t.Context()); err != nil {
			t.Fatal(err)
		}
		if items := w.items(t); len(items) != 1 || items[0].Input != loop.QueueSignals || !items[0].AcceptedAt.Equal(time.Now()) || len(w.posted) > 0 {
			t.Errorf("%+v, %d posted", items, len(w.posted))
		}
	})
}

func TestTheKindsAreThoseOfTheInputs(t *testing.T) {
	t.Parallel()
	h, q, p := loop.Input{Kind: loop.KindHTTP}, loop.Input{Kind: loop.KindQueue}, loop.Input{Kind: loop.KindPoll}
	for _, c := range []struct {
		inputs map[string]loop.Input
		want   []string
	}{
		{nil, []string{loop.QueueSignals}},
		{map[string]loop.Input{"p": p}, []string{loop.QueueSignals}},
		{map[string]loop.Input{"p": p, "h": h}, []string{loop.KindHTTP}},
		{map[string]loop.Input{"q": q}, []string{loop.KindQueue}},
		{map[string]loop.Input{"q": q, "h": h, "i": h}, []string{loop.KindHTTP, loop.KindQueue}},
	} {
		if got := loop.Canaries(c.inputs); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.inputs, got, c.want)
		}
	}
}

// What fails is an error, and keeps nothing else back.
func TestACanaryThatCannotBeSentIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		w := newWorld()
		w.refuse = down
		s := w.sender(t, loop.KindHTTP, loop.KindQueue)
		if err := s.Run(t.Context()); !errors.Is(err, down) || len(w.queues.Receive("a", loop.QueueInbox, 10)) != 2 {
			t.Errorf("the endpoint refuses: %v", err)
		}
		w.refuse, w.fault = nil, func(op mem.Op) error {
			if op.Service == "queue" {
				return down
			}
			return nil
		}
		if err := s.Send(t.Context()); !errors.Is(err, down) || len(w.posted) != 1 {
			t.Errorf("the inbox is down: %v, %d posted", err, len(w.posted))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("its time is over: %v", err)
		}
	})
}

// silent never answers.
type silent struct{}

func (silent) Put(ctx context.Context, _, _, _ string, _ any, _ time.Duration) error {
	<-ctx.Done()
	return ctx.Err()
}

func (silent) Send(ctx context.Context, _, _ string, _ []loop.Outgoing) []error {
	<-ctx.Done()
	return []error{ctx.Err()}
}

// A key is renewed long before it is forgotten; a table that swallows the renewal, or a queue that swallows its own canary,
// holds the other canary up for seconds, when it is due every thirty.
func TestWhatIsNotAnsweredHoldsNoCanaryUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := w.sender(t, loop.KindQueue, loop.KindHTTP)
		if err := s.Send(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.taken()
		time.Sleep(25 * time.Hour)
		s.Board, s.Queue = silent{}, silent{}
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Send(ctx); !errors.Is(err, context.DeadlineExceeded) || len(w.posted) != 1 || time.Since(began) > loop.CanaryEvery/2 {
			t.Errorf("%v; %d posted after %s", err, len(w.posted), time.Since(began))
		}
	})
}

// Nothing is signed with a key before it is announced; an announced one outlives a table that does not answer, until
// ingest would have forgotten it.
func TestAKeyIsAnnouncedBeforeItSigns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		w := newWorld()
		w.fault = func(op mem.Op) error {
			if op.Service == "documents" && op.Name == "Put" {
				return down
			}
			return nil
		}
		s := w.sender(t, loop.KindHTTP)
		if err := s.Send(t.Context()); !errors.Is(err, down) || len(w.posted) > 0 {
			t.Fatalf("%v, %d posted with a key that nobody knows", err, len(w.posted))
		}
		fault := w.fault
		w.fault = nil
		if err := s.Send(t.Context()); err != nil || len(w.posted) != 1 {
			t.Fatalf("%v, %d posted", err, len(w.posted))
		}
		w.fault = fault
		time.Sleep(loop.CanaryKeyKeep - time.Second)
		if err := s.Send(t.Context()); !errors.Is(err, down) || len(w.posted) != 2 {
			t.Errorf("%v, %d posted: its key is known yet", err, len(w.posted))
		} else if code := w.comesIn(t, loop.KindHTTP, w.posted[1]); code != "" {
			t.Errorf("%s", code)
		}
		time.Sleep(time.Second)
		if err := s.Send(t.Context()); !errors.Is(err, down) || len(w.posted) != 2 {
			t.Errorf("%v, %d posted: its key is forgotten", err, len(w.posted))
		}
		w.fault = nil
		if err := s.Send(t.Context()); err != nil || len(w.posted) != 3 {
			t.Errorf("%v, %d posted", err, len(w.posted))
		}
	})
}
