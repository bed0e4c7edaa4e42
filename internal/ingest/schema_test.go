package ingest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/schema"
)

// schooled gives an input a schema, and the acceptor the check of it.
func schooled(t *testing.T, a *Acceptor, input string) {
	t.Helper()
	in := a.cfg.Inputs[input]
	in.Schema = json.RawMessage(`{"type":"object","required":["rate"],"properties":{"rate":{"type":"number"}}}`)
	a.cfg.Inputs[input] = in
	check, err := schema.Compile(&loop.Config{Inputs: a.cfg.Inputs})
	if err != nil {
		t.Fatal(err)
	}
	a.cfg.Schemas = check
}

func TestDataThatTheSchemaDoesNotAllowIsAProblemWithItsPlace(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, l := setup(q)
	schooled(t, a, "shop")
	h := NewHTTP(a)
	p := refused(t, post("shop", MediaEvent, event("1", `"data":{"rate":"much"}`)).to(h), http.StatusBadRequest, loop.CodeInvalidData)
	if p.Pointer != "/data/rate" || len(q.sent) > 0 || l.refused["shop/invalid_data"] != 1 {
		t.Errorf("%+v, %d sent, %v", p, len(q.sent), l.refused)
	}

	// In a batch it is refused alone, and the others are taken.
	ans := taken(t, post("shop", MediaBatch, batchOf(event("2", `"data":{"rate":1}`), event("3"), event("4", `"data":{"rate":2}`))).to(h))
	if len(ans.Rejected) != 1 || ans.Rejected[0].Index != 1 || ans.Rejected[0].Pointer != "/data" || ans.Rejected[0].Code != loop.CodeInvalidData {
		t.Errorf("%+v", ans)
	}
	if got := q.ids(t, ohio); len(ans.Accepted) != 2 || !slices.Equal(got, []string{"2", "4"}) {
		t.Errorf("stored %v", got)
	}
	all := refused(t, post("shop", MediaBatch, batchOf(event("5"), event("6"))).to(h), http.StatusBadRequest, loop.CodeInvalidData)
	if all.Pointer != "" || len(all.Rejected) != 2 || all.Rejected[1].Pointer != "/data" {
		t.Errorf("%+v", all)
	}
	// The schema of one input is none of another's.
	taken(t, post("local", MediaEvent, event("7")).to(h))
}

func TestTheInboxQuarantinesDataThatTheSchemaDoesNotAllow(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	b, l := inbox(t, q, "inbox")
	schooled(t, b.acceptor, "inbox")
	bad := event("1", `"data":{"rate":[]}`)
	if failed := b.Handle(t.Context(), messagesOf(batchOf(bad, event("2", `"data":{"rate":0.5}`)))); len(failed) > 0 {
		t.Errorf("%v come again", failed)
	}
	records := q.records(t)
	if len(records) != 1 || records[0].Body != bad || records[0].Quarantine.Reason != loop.CodeInvalidData ||
		!strings.Contains(records[0].Quarantine.Detail, "/data/rate") {
		t.Errorf("%+v", records)
	}
	if got := q.ids(t, ohio); !slices.Equal(got, []string{"2"}) || l.refused["inbox/invalid_data"] != 1 {
		t.Errorf("stored %v, %v", got, l.refused)
	}
}

// What the schema was to keep out would come in.
func TestAnInputWhoseSchemaNobodyCanAskTakesNothing(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	a, _ := setup(q)
	schooled(t, a, "shop")
	a.cfg.Schemas = nil
	refused(t, post("shop", MediaEvent, event("1", `"data":{"rate":1}`)).to(NewHTTP(a)), http.StatusServiceUnavailable, loop.CodeUnavailable)
	if len(q.sent) > 0 {
		t.Error("it was stored")
	}
}
