package dynamo

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// conflicts answers the first n writes as DynamoDB does when another region is writing the same item.
func conflicts(n int, then error) (API, *int) {
	calls := 0
	return fake{put: func(*dynamodb.PutItemInput) error {
		if calls++; calls <= n {
			return &types.ReplicatedWriteConflictException{}
		}
		return then
	}}, &calls
}

func TestConflictOfRegionsIsRunAgain(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(API, wait) error{
		"open": func(api API, w wait) error {
			s := NewClaims(api, "p")
			s.wait = w
			_, _, err := s.Open(t.Context(), loop.Claim{EffectID: "e"})
			return err
		},
		"swap": func(api API, w wait) error {
			s := NewClaims(api, "p")
			s.wait = w
			return s.Swap(t.Context(), loop.Claim{EffectID: "e"}, 1)
		},
		"episode": func(api API, w wait) error {
			s := NewEpisodes(api, "p")
			s.wait = w
			return s.Put(t.Context(), decide.Episode{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, waits := counted()
			api, calls := conflicts(2, nil)
			if err := write(api, w); err != nil || *calls != 3 || waits() != 2 {
				t.Errorf("error %v after %d calls and %d waits", err, *calls, waits())
			}
			// What another region wrote decides the condition: the loser is not told of a conflict of regions.
			api, _ = conflicts(1, &types.ConditionalCheckFailedException{})
			if err := write(api, w); name == "swap" && !errors.Is(err, loop.ErrFenced) || name == "episode" && !errors.Is(err, loop.ErrConflict) || err == nil {
				t.Errorf("lost against another region: %v", err)
			}
			// It ends, with an error that tells nothing about who holds the record.
			api, calls = conflicts(1000, nil)
			err := write(api, w)
			if _, ok := errors.AsType[*types.ReplicatedWriteConflictException](err); !ok || *calls != maxTries {
				t.Errorf("error %v after %d calls", err, *calls)
			}
			if errors.Is(err, loop.ErrFenced) || errors.Is(err, loop.ErrConflict) {
				t.Error("an unclear answer was reported as a clear one")
			}
			// Nothing else is run again here.
			api, calls = conflicts(0, errDown)
			if err := write(api, w); !errors.Is(err, errDown) || *calls != 1 {
				t.Errorf("error %v after %d calls", err, *calls)
			}
		})
	}
}

func TestRunningAgainEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := wait(jitter).afterConflict(ctx, func() error {
		calls++
		cancel()
		return &types.ReplicatedWriteConflictException{}
	})
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
	calls = 0
	err = wait(jitter).untilWhole(ctx, func() (int, error) { calls++; return 1, nil })
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("error %v after %d calls", err, calls)
	}
}

func TestWaitsStayWithinAClaim(t *testing.T) {
	t.Parallel()
	total := time.Duration(0)
	for tries := 1; tries < maxTries; tries++ {
		total += firstWait << (tries - 1)
	}
	if total > time.Second {
		t.Errorf("the waits add up to %s", total)
	}
}

func TestLeftOutEntriesAreSentAgain(t *testing.T) {
	t.Parallel()
	var stored []string
	calls := 0
	api := fake{batch: func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		calls++
		requests := in.RequestItems["p-outputs"]
		if len(requests) > maxBatchItems {
			t.Errorf("%d items in one call", len(requests))
		}
		stored = append(stored, text(t, requests[0].PutRequest.Item[sk])) // one at a time
		return &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{"p-outputs": requests[1:]}}, nil
	}}
	s := NewWindows(api, "p", "a", []string{"a"}, func() time.Time { return time.Unix(0, 0) })
	s.wait, _ = counted()
	entries := make([]decide.Entry, 4)
	for i := range entries {
		entries[i].Pos = loop.Position{Time: time.Unix(int64(i), 0), SignalKey: "s"}
	}
	if err := s.Put(t.Context(), decide.Ref{}, entries, time.Hour); err != nil || len(stored) != 4 || calls != 4 {
		t.Fatalf("error %v, stored %d in %d calls", err, len(stored), calls)
	}
	// Leaving out for ever is an error, not a success in part.
	api.batch = func(in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		return &dynamodb.BatchWriteItemOutput{UnprocessedItems: in.RequestItems}, nil
	}
	s.api = api
	if err := s.Put(t.Context(), decide.Ref{}, entries, time.Hour); err == nil {
		t.Fatal("no error although nothing was stored")
	}
	api.batch = func(*dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) { return nil, errDown }
	s.api = api
	if err := s.Put(t.Context(), decide.Ref{}, entries, time.Hour); !errors.Is(err, errDown) {
		t.Fatalf("got %v", err)
	}
}

func TestOneFailedBatchFailsThePut(t *testing.T) {
	t.Parallel()
	calls := 0
	api := fake{batch: func(*dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
		if calls++; calls == 1 {
			return nil, errDown
		}
		return &dynamodb.BatchWriteItemOutput{}, nil
	}}
	s := NewWindows(api, "p", "a", []string{"a"}, func() time.Time { return time.Unix(0, 0) })
	entries := make([]decide.Entry, maxBatchItems+1)
	for i := range entries {
		entries[i].Pos.Time = time.Unix(int64(i), 0)
	}
	if err := s.Put(t.Context(), decide.Ref{}, entries, time.Hour); !errors.Is(err, errDown) {
		t.Fatalf("got %v", err)
	}
}

func TestLeftOutOutputsAreReadAgain(t *testing.T) {
	t.Parallel()
	api := fake{batchGet: func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
		request := in.RequestItems["p-outputs"]
		if request.ConsistentRead == nil || !*request.ConsistentRead {
			t.Error("the own region's output is not read strongly")
		}
		key := request.Keys[0]
		out := &dynamodb.BatchGetItemOutput{Responses: map[string][]map[string]types.AttributeValue{
			"p-outputs": {{pk: key[pk], "fence": str(text(t, key[pk])), "value": str("1")}},
		}}
		if rest := request.Keys[1:]; len(rest) > 0 {
			request.Keys = rest
			out.UnprocessedKeys = map[string]types.KeysAndAttributes{"p-outputs": request}
		}
		return out, nil
	}}
	s := NewOutputs(api, "p", "a", []string{"b", "c", "a"})
	s.wait, _ = counted()
	o, err := s.Read(t.Context(), "k")
	if err != nil || o.Fence != "out#c#k" {
		t.Fatalf("got %s, %v; want the greatest of all regions", o.Fence, err)
	}
}
