package dynamo

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

func TestLargeDocumentsAreCompressedAndSmallOnesReadable(t *testing.T) {
	t.Parallel()
	for size, plain := range map[int]bool{maxPlainBytes - 2: true, maxPlainBytes - 1: false, 10 * maxPlainBytes: false} {
		it := item{}
		doc := strings.Repeat("x", size) // two quotes make it a document
		if err := it.setJSON("doc", doc); err != nil {
			t.Fatal(err)
		}
		if _, ok := it["doc"].(*types.AttributeValueMemberS); ok != plain {
			t.Errorf("%d bytes are stored as %T", size, it["doc"])
		}
		var back string
		r := reader{item: it}
		if r.json("doc", &back); r.err != nil || back != doc {
			t.Errorf("%d bytes came back as %d, %v", size, len(back), r.err)
		}
	}
}

func TestForeignAttributesAreErrorsNotGuesses(t *testing.T) {
	t.Parallel()
	flag := &types.AttributeValueMemberBOOL{Value: true}
	for name, it := range map[string]item{
		"string": {"owner": num(1)}, "number": {"token": str("1")}, "no integer": {"token": &types.AttributeValueMemberN{Value: "1.5"}},
		"time": {"deadline": str("yesterday")}, "document": {"effect": str("{")}, "document's form": {"effect": flag},
		"compressed": {"effect": &types.AttributeValueMemberB{Value: []byte("x")}},
		"cut off":    {"effect": &types.AttributeValueMemberB{Value: []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")}},
	} {
		if c, err := readClaim(it); err == nil {
			t.Errorf("%s: read as %+v", name, c)
		}
	}
	if _, err := readClaim(item{"status": num(1), "evidence": num(1)}); err == nil || !strings.Contains(err.Error(), "attribute status") {
		t.Errorf("got %v, want the first error", err)
	}
	for name, it := range map[string]item{
		"position": {sk: str("yesterday"), "clear": flag}, "clear": {sk: str(loop.Position{}.String())}, "clear's form": {sk: str(loop.Position{}.String()), "clear": str("true")},
	} {
		if e, err := readEntry(it); err == nil {
			t.Errorf("%s: read as %+v", name, e)
		}
	}
}

// Operators query for these; every one is an attribute of its own.
func TestClaimAttributes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 29, 4, 0, 0, 5, time.FixedZone("elsewhere", 7200))
	it, err := claimItem(loop.Claim{
		EffectID: "e", Status: loop.StatusParked, Owner: "o", Token: 2, Attempt: 3, Evidence: "why", Deadline: now, NotBefore: now,
		AcceptedAt: now, UpdatedAt: now, Effect: loop.Effect{RuleID: "r", Action: "a"},
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(it, "effect")
	when := str("2026-03-29T02:00:00.000000005Z")
	want := item{
		pk: str("effect#e"), "effectID": str("e"), "status": str("parked"), "owner": str("o"), "token": num(2), "attempt": num(3),
		"evidence": str("why"), "rule": str("r"), "action": str("a"),
		"deadline": when, "notBefore": when, "acceptedAt": when, "updatedAt": when,
	}
	if !reflect.DeepEqual(it, want) {
		t.Errorf("got %v", it)
	}
	it, err = claimItem(loop.Claim{})
	for _, name := range []string{"deadline", "notBefore", "acceptedAt", "updatedAt"} {
		if v, ok := it[name]; ok || err != nil {
			t.Errorf("a claim without %s has %v, %v", name, v, err)
		}
	}
}

func TestWindowEntryOutlivesItsWindow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 29, 2, 0, 0, 1, time.UTC)
	for _, c := range []struct{ at, from time.Time }{
		{now.Add(-time.Hour), now},               // late: kept from now on
		{now.Add(time.Hour), now.Add(time.Hour)}, // ahead: kept from its own time on
	} {
		var got item
		api := fake{put: func(in *dynamodb.PutItemInput) error { got = in.Item; return nil }}
		s := NewWindows(api, "p", "a", []string{"a", "b"}, func() time.Time { return now })
		e := decide.Entry{Pos: loop.Position{Time: c.at, SignalKey: "s"}, Clear: true}
		if err := s.Put(t.Context(), decide.Ref{RuleID: "r", Key: "k"}, []decide.Entry{e}, time.Minute); err != nil {
			t.Fatal(err)
		}
		want := item{
			pk: str("win#a#r#" + loop.KeyHash("k")), sk: str(e.Pos.String()), "clear": &types.AttributeValueMemberBOOL{Value: true},
			ttl: num(c.from.Add(time.Minute).Unix() + 1), // rounded up: it holds nanoseconds
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
	}
}

func TestEpisodeStateIsReadable(t *testing.T) {
	t.Parallel()
	for open, want := range map[bool]string{true: stateOpen, false: stateClosed} {
		api := fake{put: func(in *dynamodb.PutItemInput) error {
			if got := text(t, in.Item["state"]); got != want || text(t, in.Item[pk]) != "episode#r#"+loop.KeyHash("k") {
				t.Errorf("stored as %s: %v", got, in.Item)
			}
			return nil
		}}
		if err := NewEpisodes(api, "p").Put(t.Context(), decide.Episode{Ref: decide.Ref{RuleID: "r", Key: "k"}, Open: open}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnencodableDocumentIsRefused(t *testing.T) {
	t.Parallel()
	broken := loop.Claim{Effect: loop.Effect{Output: &loop.OutputSpec{Value: json.RawMessage("{")}}}
	s := NewClaims(fake{}, "p")
	if _, _, err := s.Open(t.Context(), broken); err == nil {
		t.Error("opened")
	}
	if err := s.Swap(t.Context(), broken, 1); err == nil {
		t.Error("swapped")
	}
}
