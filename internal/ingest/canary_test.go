package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

// judge is a Canaries that knows one word, and remembers by which way it was asked.
type judge struct {
	says  error
	kinds []string
}

func (j *judge) Verify(_ context.Context, kind string, s loop.Signal) error {
	if j.kinds = append(j.kinds, kind); s.Extensions["canarysignature"] != "genuine" && j.says == nil {
		return loop.Refuse(loop.CodeReserved, "forged")
	}
	return j.says
}

// byJudge is what setup makes, where canaries may come in.
func byJudge(q *fakeQueue, says error) (*Acceptor, *ledger, *judge) {
	a, l := setup(q)
	j := &judge{says: says}
	a.cfg.Canaries = j
	// Whatever an input may ask for: none of it is asked.
	a.cfg.Schemas = func(string, loop.Signal) error { panic("the schema of no input") }
	return a, l, j
}

// beat is a canary that was sent two seconds ago.
func beat(signature string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"a/1","source":%q,"type":%q,"time":%q,"canarysignature":%q}`,
		loop.CanarySource, loop.CanaryType, noon.Add(-2*time.Second).Format(time.RFC3339Nano), signature)
}

// stored wants nothing in any queue but these canaries in the own `signals`, as sent, and counts nobody.
func stored(t *testing.T, q *fakeQueue, l *ledger, kind string, n int) {
	t.Helper()
	items := q.items(t, ohio, loop.QueueSignals)
	if len(items) != n || len(q.sent) != n {
		t.Fatalf("%d of %d messages are canaries in the own queue, want %d", len(items), len(q.sent), n)
	}
	for _, it := range items {
		var s struct{ ID, Source, Type string }
		if err := json.Unmarshal(it.Signal, &s); err != nil || s.ID != "a/1" || s.Source != loop.CanarySource || s.Type != loop.CanaryType {
			t.Errorf("%s, %v", it.Signal, err)
		}
		if it.Input != kind || !it.AcceptedAt.Equal(noon.Add(-2*time.Second)) || it.Standby || it.Sampled {
			t.Errorf("%+v", it)
		}
	}
	if len(l.accepted)+len(l.refused)+len(l.lost) != 0 {
		t.Errorf("counted: %+v", l)
	}
}

func TestACanaryOverHTTPIsNobodysSignal(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, l, j := byJudge(q, nil)
	if got := taken(t, post(loop.CanaryInput, MediaEvent, beat("genuine")).to(NewHTTP(a))); got.Copies != 1 || len(got.Accepted) != 1 {
		t.Errorf("%+v", got)
	}
	stored(t, q, l, loop.KindHTTP, 1)
	if !slices.Equal(j.kinds, []string{loop.KindHTTP}) {
		t.Errorf("judged as %v", j.kinds)
	}
}

func TestACanaryInTheInboxIsNobodysSignal(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, l, j := byJudge(q, nil)
	b, err := NewInbox(a, "inbox")
	if err != nil {
		t.Fatal(err)
	}
	if failed := b.Handle(t.Context(), messagesOf(beat("genuine"))); len(failed) > 0 {
		t.Error(failed)
	}
	stored(t, q, l, loop.KindQueue, 1)
	if !slices.Equal(j.kinds, []string{loop.KindQueue}) {
		t.Errorf("judged as %v", j.kinds)
	}
}

// A canary comes by its own path and as an event of its own. Anywhere else it is what it claims to be: reserved.
func TestACanaryThatComesAnotherWayIsRefused(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, l, j := byJudge(q, nil)
	h := NewHTTP(a)
	refused(t, post("shop", MediaEvent, beat("genuine")).to(h), http.StatusBadRequest, loop.CodeReserved)
	taken := post("shop", MediaBatch, batchOf(beat("genuine"))).to(h)
	refused(t, taken, http.StatusBadRequest, loop.CodeReserved)
	get := request{method: http.MethodGet, path: loop.CanaryPath}
	refused(t, get.to(h), http.StatusMethodNotAllowed, loop.CodeMethod)
	b, err := NewInbox(a, "inbox")
	if err != nil {
		t.Fatal(err)
	}
	failed := b.Handle(t.Context(), messagesOf(batchOf(beat("genuine"), beat("genuine"))))
	if len(failed) > 0 || len(q.records(t)) != 2 || len(q.items(t, ohio, loop.QueueSignals)) != 0 || len(j.kinds) != 0 {
		t.Errorf("failed %v, %d records, judged %v", failed, len(q.records(t)), j.kinds)
	}
	alarms := &Inbox{acceptor: a, input: "inbox", stage: loop.FuncIngestAlarm, only: TypeAlarm}
	if failed := alarms.Handle(t.Context(), messagesOf(beat("genuine"))); len(failed) > 0 || len(q.records(t)) != 3 || len(j.kinds) != 0 {
		t.Errorf("as an alarm: failed %v, judged %v", failed, j.kinds)
	}
	if l.refused["shop/reserved_source"] != 2 || l.refused["inbox/reserved_source"] != 3 {
		t.Errorf("counted %v", l.refused)
	}
}

// Nothing but a canary comes in by the canary's path, whoever would vouch for it.
func TestOnlyACanaryComesByItsPath(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want loop.Code
	}{
		"a user's signal":       {event("1"), loop.CodeReserved},
		"an outcome":            {strings.Replace(beat("genuine"), loop.CanaryType, "unbroken.effect.done", 1), loop.CodeReserved},
		"the type alone":        {strings.Replace(beat("genuine"), loop.CanarySource, "unbroken:act", 1), loop.CodeReserved},
		"forged":                {beat("forged"), loop.CodeReserved},
		"a batch":               {batchOf(beat("genuine")), loop.CodeMalformed},
		"truncated":             {beat("genuine")[:40], loop.CodeMalformed},
		"without an id":         {strings.Replace(beat("genuine"), `"a/1"`, `""`, 1), loop.CodeInvalidEvent},
		"a duplicate attribute": {strings.Replace(beat("genuine"), "{", `{"id":"b",`, 1), loop.CodeMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{}
			a, l, _ := byJudge(q, nil)
			refused(t, post(loop.CanaryInput, MediaEvent, c.body).to(NewHTTP(a)), http.StatusBadRequest, c.want)
			if len(q.sent) != 0 || l.refused["/"+string(c.want)] != 1 {
				t.Errorf("%d messages, counted %v", len(q.sent), l.refused)
			}
		})
	}
}

// A forged canary in the inbox is kept, whole and with its reason, like any other event that is refused.
func TestAForgedCanaryInTheInboxIsQuarantined(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, l, _ := byJudge(q, nil)
	b, err := NewInbox(a, "inbox")
	if err != nil {
		t.Fatal(err)
	}
	if failed := b.Handle(t.Context(), messagesOf(beat("forged"), beat("genuine"), event("1"))); len(failed) > 0 {
		t.Error(failed)
	}
	records := q.records(t)
	if len(records) != 1 || records[0].Quarantine.Reason != loop.CodeReserved || !strings.Contains(records[0].Quarantine.Detail, "forged") || l.refused["inbox/reserved_source"] != 1 {
		t.Fatalf("%+v, counted %v", records, l.refused)
	}
	if raw, err := records[0].Raw(); err != nil || string(raw) != beat("forged") {
		t.Errorf("%s, %v", raw, err)
	}
	if n := len(q.items(t, ohio, loop.QueueSignals)); n != 2 {
		t.Errorf("%d of the two others are stored", n)
	}
}

// What waited too long is refused where somebody listens, and done with in the inbox: no person has to look at it.
func TestAGenuineCanaryThatIsLateIsNoDeadLetter(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, l, _ := byJudge(q, loop.Refuse(loop.CodeTimeOutOfRange, "late"))
	refused(t, post(loop.CanaryInput, MediaEvent, beat("genuine")).to(NewHTTP(a)), http.StatusBadRequest, loop.CodeTimeOutOfRange)
	b, err := NewInbox(a, "inbox")
	if err != nil {
		t.Fatal(err)
	}
	if failed := b.Handle(t.Context(), messagesOf(beat("genuine"))); len(failed) > 0 || len(q.sent) > 0 || len(l.refused) > 0 {
		t.Errorf("failed %v, %d messages, counted %v", failed, len(q.sent), l.refused)
	}
}

// While nobody can tell, or the own queue does not take it, a canary is asked for again.
func TestACanaryThatCannotBeTakenIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		says error
		fail func(string, string, int, int) error
	}{
		"nobody can tell":          {says: loop.Refuse(loop.CodeUnavailable, "the table does not answer")},
		"the own queue is down":    {fail: down(ohio)},
		"nobody can tell, at once": {says: loop.Refuse(loop.CodeUnavailable, "asked a moment ago"), fail: down(oregon)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{fail: c.fail}
			a, l, _ := byJudge(q, c.says)
			refused(t, post(loop.CanaryInput, MediaEvent, beat("genuine")).to(NewHTTP(a)), http.StatusServiceUnavailable, loop.CodeUnavailable)
			b, err := NewInbox(a, "inbox")
			if err != nil {
				t.Fatal(err)
			}
			if failed := b.Handle(t.Context(), messagesOf(beat("genuine"))); !slices.Equal(failed, []string{"m0"}) {
				t.Errorf("failed %v", failed)
			}
			if len(q.sent)+len(l.accepted)+len(l.refused) != 0 {
				t.Errorf("%d messages, counted %v", len(q.sent), l.refused)
			}
		})
	}
}

// Where nobody verifies, there is no such input, and in the inbox a canary is what everything of the loop's own is.
func TestWhereNobodyVerifiesNoCanaryComesIn(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, _ := setup(q)
	refused(t, post(loop.CanaryInput, MediaEvent, beat("genuine")).to(NewHTTP(a)), http.StatusNotFound, loop.CodeUnknownInput)
	b, err := NewInbox(a, "inbox")
	if err != nil {
		t.Fatal(err)
	}
	if failed := b.Handle(t.Context(), messagesOf(beat("genuine"))); len(failed) > 0 || len(q.records(t)) != 1 {
		t.Errorf("failed %v, %d records", failed, len(q.records(t)))
	}
}
