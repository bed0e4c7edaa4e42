package dynamo

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// endless is a partition without end: pages of hits, one second apart, from newest backwards.
func endless(in *dynamodb.QueryInput, newest time.Time, pages int) *dynamodb.QueryOutput {
	out := &dynamodb.QueryOutput{LastEvaluatedKey: item{pk: str("more")}}
	for i := range int(*in.Limit) {
		at := newest.Add(-time.Duration(pages*int(*in.Limit)+i) * time.Second)
		out.Items = append(out.Items, item{
			sk: str(loop.Position{Time: at, SignalKey: "s"}.String()), "clear": &types.AttributeValueMemberBOOL{},
		})
	}
	return out
}

// newestHits looks at the newest n hits before at.
func newestHits(at loop.Position, after time.Time, n int) decide.Look {
	look := decide.Look{At: at, After: after, Expect: n}
	if n > 0 {
		look.Before = func() decide.LookBehind { return decide.NewestHits(n) }
	}
	return look
}

func TestBusyWindowIsNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	newest := time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	calls, strong := 0, map[string]bool{}
	api := fake{query: func(in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
		mu.Lock()
		defer mu.Unlock()
		calls++
		strong[text(t, in.ExpressionAttributeValues[":pk"])] = *in.ConsistentRead
		return endless(in, newest, 0), nil
	}}
	s := NewWindows(api, "p", "a", []string{"a", "b"}, time.Now)
	ref := decide.Ref{RuleID: "r", Key: "k"}
	seen, err := s.Around(t.Context(), ref, newestHits(loop.Position{Time: newest, SignalKey: "s"}, newest.Add(-time.Hour), 3))
	if err != nil || calls != 2 || len(seen.Entries) != 2*4 {
		t.Fatalf("%d entries in %d calls, %v; want one page per region with the entry and 3 hits before it", len(seen.Entries), calls, err)
	}
	if !strong["win#a#r#"+loop.KeyHash("k")] || strong["win#b#r#"+loop.KeyHash("k")] || len(strong) != 2 {
		t.Fatalf("consistency of the reads: %v; want the own region's strong, the peer's not", strong)
	}
}

func TestPagesGrowTowardsAFarReader(t *testing.T) {
	t.Parallel()
	newest := time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC)
	var limits []int32
	api := fake{query: func(in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
		limits = append(limits, *in.Limit)
		if (len(limits) > 1) != (in.ExclusiveStartKey != nil) {
			t.Errorf("page %d starts at %v", len(limits), in.ExclusiveStartKey)
		}
		if len(limits) == 6 {
			return &dynamodb.QueryOutput{}, nil
		}
		return endless(in, newest, 0), nil
	}}
	s := NewWindows(api, "p", "a", []string{"a"}, time.Now)
	if _, err := s.Around(t.Context(), decide.Ref{}, newestHits(loop.Position{}, time.Time{}, 5)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int32{25, 100, 400, 1000, 1000, 1000} {
		if limits[i] != want {
			t.Fatalf("pages of %v", limits)
		}
	}
}

func TestOnePartitionUnreadIsNoAnswer(t *testing.T) {
	t.Parallel()
	api := fake{query: func(in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
		if !*in.ConsistentRead {
			return nil, errDown
		}
		return &dynamodb.QueryOutput{}, nil
	}}
	s := NewWindows(api, "p", "a", []string{"a", "b"}, time.Now)
	if _, err := s.Around(t.Context(), decide.Ref{}, newestHits(loop.Position{}, time.Time{}, 5)); !errors.Is(err, errDown) {
		t.Fatalf("got %v", err)
	}
}

func TestWithoutHitsNothingBeforeIsRead(t *testing.T) {
	t.Parallel()
	at := loop.Position{Time: time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC), SignalKey: "s"}
	after := at.Time.Add(-time.Hour)
	for hits, want := range map[int]string{0: at.String(), 1: loop.TimeKey(after) + "$"} {
		api := fake{query: func(in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
			if got := text(t, in.ExpressionAttributeValues[":from"]); got != want {
				t.Errorf("%d hits: read from %s, want %s", hits, got, want)
			}
			return &dynamodb.QueryOutput{}, nil
		}}
		if _, err := NewWindows(api, "p", "a", []string{"a"}, time.Now).Around(t.Context(), decide.Ref{}, newestHits(at, after, hits)); err != nil {
			t.Error(err)
		}
	}
}
