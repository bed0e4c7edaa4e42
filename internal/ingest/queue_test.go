package ingest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

func inbox(t testing.TB, q *fakeQueue, input string) (*Inbox, *ledger) {
	t.Helper()
	a, l := setup(q)
	b, err := NewInbox(a, input)
	if err != nil {
		t.Fatal(err)
	}
	return b, l
}

func messagesOf(bodies ...string) []loop.Message {
	var msgs []loop.Message
	for i, b := range bodies {
		msgs = append(msgs, loop.Message{ID: fmt.Sprintf("m%d", i), Body: []byte(b), Receives: 1})
	}
	return msgs
}

func TestInboxTakesEventsAndBatches(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	b, l := inbox(t, q, "inbox")
	failed := b.Handle(t.Context(), messagesOf(event("1"), " "+batchOf(event("2"), event("3")), "[]"))
	if len(failed) != 0 || !slices.Equal(q.ids(t, ohio), []string{"1", "2", "3"}) || !slices.Equal(q.ids(t, oregon), []string{"1", "2", "3"}) {
		t.Errorf("failed %v, stored %v and %v", failed, q.ids(t, ohio), q.ids(t, oregon))
	}
	if len(q.sent) != 2 || q.sent[0].msg.Group != "inbox" || l.accepted["inbox/2"] != 3 {
		t.Errorf("%d messages, %v", len(q.sent), l.accepted)
	}
	if failed := b.Handle(t.Context(), nil); failed != nil {
		t.Error("nothing came and something failed")
	}
}

// FAULTS 11: poison among others. It is kept, whole and with its reason; the others pass.
func TestInboxQuarantinesPoisonAlone(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	b, l := inbox(t, q, "inbox")
	poison := []string{
		"{", "\xff\xfe\x00", "x\ufffe", event(""), event("old", `"time":"2020-01-01T00:00:00Z"`),
		strings.Replace(event("f"), "shop/checkout", "unbroken:canary", 1),
	}
	msgs := messagesOf(append([]string{event("1"), batchOf(event("2"), poison[3], event("3"))}, poison...)...)
	if failed := b.Handle(t.Context(), msgs); len(failed) != 0 {
		t.Fatalf("failed %v", failed)
	}
	if got := q.ids(t, ohio); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Errorf("stored %v", got)
	}
	records := q.records(t)
	if len(records) != 1+len(poison) {
		t.Fatalf("%d records", len(records))
	}
	codes := []loop.Code{loop.CodeInvalidEvent, loop.CodeMalformed, loop.CodeMalformed, loop.CodeMalformed, loop.CodeInvalidEvent, loop.CodeTimeOutOfRange, loop.CodeReserved}
	raws := append([]string{poison[3]}, poison...)
	encodings := []string{"text", "text", "base64", "base64", "text", "text", "text"}
	for i, r := range records {
		raw, err := r.Raw()
		if err != nil || string(raw) != raws[i] || r.Encoding != encodings[i] {
			t.Errorf("record %d: %q as %s, %v", i, raw, r.Encoding, err)
		}
		want := loop.Quarantine{Reason: codes[i], Stage: "ingest-queue", Detail: r.Quarantine.Detail, At: noon}
		if r.V != 1 || r.Quarantine != want || r.Quarantine.Detail == "" {
			t.Errorf("record %d: %+v", i, r.Quarantine)
		}
	}
	for _, s := range q.sent {
		if s.queue == "inbox-dlq" && (s.region != ohio || s.msg.Delay != 0) {
			t.Errorf("quarantined to %s", s.region)
		}
	}
	if l.refused["inbox/invalid_event"] != 2 || l.refused["inbox/malformed"] != 3 || l.refused["inbox/time_out_of_range"] != 1 || l.refused["inbox/reserved_source"] != 1 {
		t.Errorf("counted %v", l.refused)
	}
}

func TestInboxFailsWhatIsNotStored(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		input  string
		fail   func(string, string, int, int) error
		failed []string
	}{
		"peer down, all": {"inbox", down(oregon), []string{"m0", "m1"}},
		"own down, all":  {"inbox", down(ohio), []string{"m0", "m1", "m2"}}, // nor can poison be kept
		"peer down, any": {"lenient", down(oregon), nil},
		"own down, any":  {"lenient", down(ohio), []string{"m1", "m2"}},
		"both down, any": {"lenient", down(ohio, oregon), []string{"m0", "m1", "m2"}},
		"dead letters":   {"inbox", func(_, queue string, _, _ int) error { return map[string]error{"inbox-dlq": errDown}[queue] }, []string{"m1", "m2"}},
		"one dead letter": {"inbox", func(_, queue string, _, i int) error {
			return map[string]error{"inbox-dlq1": errDown}[fmt.Sprint(queue, i)]
		}, []string{"m2"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{fail: tt.fail}
			b, _ := inbox(t, q, tt.input)
			if failed := b.Handle(t.Context(), messagesOf(event("1"), batchOf(event("2"), event("")), "poison")); !slices.Equal(failed, tt.failed) {
				t.Errorf("failed %v; want %v", failed, tt.failed)
			}
		})
	}
}

// What comes again is not quarantined twice: once its neighbours are stored is soon enough.
func TestInboxQuarantinesOnceItsNeighboursAreStored(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{fail: down(oregon)}
	b, _ := inbox(t, q, "inbox")
	msgs := messagesOf(batchOf(event("1"), event("")))
	if failed := b.Handle(t.Context(), msgs); len(failed) != 1 || len(q.records(t)) != 0 {
		t.Fatalf("failed %v, %d records", failed, len(q.records(t)))
	}
	q.fail = nil
	if failed := b.Handle(t.Context(), msgs); len(failed) != 0 || len(q.records(t)) != 1 {
		t.Errorf("failed %v, %d records", failed, len(q.records(t)))
	}
}

// A redriven record is tried as what was received, and if it fails again the record does not grow.
func TestInboxRedrive(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{event("1"), batchOf(event("1")), event("1", "\"data\":\"\ufffe\"")} {
		record, err := encodeQuarantined([]byte(raw), loop.Quarantine{Reason: loop.CodeTimeOutOfRange, Stage: loop.FuncIngestQueue, At: noon})
		if err != nil {
			t.Fatal(err)
		}
		q := &fakeQueue{}
		b, _ := inbox(t, q, "inbox")
		if failed := b.Handle(t.Context(), messagesOf(string(record))); len(failed) != 0 || !slices.Equal(q.ids(t, ohio), []string{"1"}) {
			t.Errorf("failed %v, stored %v", failed, q.ids(t, ohio))
		}
	}
	q := &fakeQueue{}
	b, _ := inbox(t, q, "inbox")
	b.Handle(t.Context(), messagesOf("poison"))
	again := q.sent[0].msg.Body
	b.Handle(t.Context(), messagesOf(string(again)))
	if !bytes.Equal(q.sent[1].msg.Body, again) {
		t.Errorf("the record grew: %s", q.sent[1].msg.Body)
	}
	// A record whose body cannot be read is itself what was received.
	odd := `{"v":1,"quarantine":{"stage":"ingest-queue"},"body":"?","encoding":"rot13"}`
	b.Handle(t.Context(), messagesOf(odd))
	if raw, _ := q.records(t)[2].Raw(); string(raw) != odd {
		t.Errorf("kept %q", raw)
	}
}

func TestInboxMeasuresSkewFromSending(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	b, _ := inbox(t, q, "inbox")
	msgs := messagesOf(event("1", `"time":"2026-03-04T09:00:00Z"`))
	msgs[0].SentAt = noon.Add(-3 * time.Hour)
	if b.Handle(t.Context(), msgs); len(q.records(t)) != 0 || len(q.ids(t, ohio)) != 1 {
		t.Error("three hours of our own outage were held against the producer's clock")
	}
}

func TestQuarantineRecordSizes(t *testing.T) {
	t.Parallel()
	noise, random := make([]byte, 1<<20), rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for name, tt := range map[string]struct {
		raw string
		ok  bool
	}{
		"the largest text that fits": {strings.Repeat("x", 1<<20-300), true},
		"text of a whole message":    {strings.Repeat("x", 1<<20), false},
		"escapes beyond, base64 not": {strings.Repeat("\"", 700<<10), true},
		"noise of 700 KiB":           {string(noise[:700<<10]), true},
		"noise of a whole message":   {string(noise), false},
	} {
		q := &fakeQueue{}
		b, _ := inbox(t, q, "inbox")
		failed := b.Handle(t.Context(), messagesOf(tt.raw, event("1")))
		if (len(failed) == 0) != tt.ok || !slices.Equal(q.ids(t, ohio), []string{"1"}) {
			t.Errorf("%s: failed %v", name, failed)
			continue
		}
		for _, r := range q.records(t) {
			if raw, err := r.Raw(); err != nil || string(raw) != tt.raw {
				t.Errorf("%s: not what was received: %v", name, err)
			}
		}
		for _, s := range q.sent {
			if len(s.msg.Body) > 1<<20 {
				t.Errorf("%s: a message of %d bytes", name, len(s.msg.Body))
			}
		}
	}
}

func TestInboxNeedsAQueueInput(t *testing.T) {
	t.Parallel()
	a, _ := setup(&fakeQueue{})
	for _, input := range []string{"shop", "nobody", ""} {
		if _, err := NewInbox(a, input); err == nil {
			t.Errorf("input %q was taken", input)
		}
	}
}

// Whatever arrives: nothing fails while the queues are well, and every event is stored or kept.
func FuzzInbox(f *testing.F) {
	record, _ := encodeQuarantined([]byte(event("1")), loop.Quarantine{Stage: loop.FuncIngestQueue})
	for _, s := range []string{event("1"), batchOf(event("1"), event("")), "{", "\xff", string(record), "[]", "[1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		q := &fakeQueue{}
		b, _ := inbox(t, q, "lenient")
		if failed := b.Handle(t.Context(), messagesOf(string(body), event("neighbour"))); len(failed) != 0 {
			t.Fatalf("failed %v", failed)
		}
		ids := q.ids(t, ohio)
		if !slices.Contains(ids, "neighbour") {
			t.Fatal("the neighbour is lost")
		}
		events := split(body)
		if len(ids)-1+len(q.records(t)) != len(events) {
			t.Fatalf("%d events, %d stored, %d kept", len(events), len(ids)-1, len(q.records(t)))
		}
		for i, r := range q.records(t) {
			if _, err := r.Raw(); err != nil || r.Quarantine.Reason == "" {
				t.Fatalf("record %d: %+v, %v", i, r, err)
			}
		}
		for _, s := range q.sent {
			if !json.Valid(s.msg.Body) {
				t.Fatalf("sent %q", s.msg.Body)
			}
		}
	})
}

func TestRawKnowsBothEncodings(t *testing.T) {
	t.Parallel()
	q := Quarantined{Body: base64.StdEncoding.EncodeToString([]byte{0xFF}), Encoding: EncodingBase64}
	if raw, err := q.Raw(); err != nil || !bytes.Equal(raw, []byte{0xFF}) {
		t.Error(raw, err)
	}
	q.Encoding = "rot13"
	if _, err := q.Raw(); err == nil {
		t.Error("an unknown encoding was read")
	}
}
