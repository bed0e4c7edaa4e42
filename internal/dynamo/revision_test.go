package dynamo

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// shelf keeps one item as DynamoDB does: a put without a condition replaces whatever stands.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
func shelf(t *testing.T) API {
	var standing item
	return fake{put: func(in *dynamodb.PutItemInput) error {
		holds := true
		switch c := aws.ToString(in.ConditionExpression); c {
		case "":
		case "attribute_not_exists(pk)":
			holds = standing == nil
		case "rev = :rev":
			holds = standing != nil && number(t, standing["rev"]) == number(t, in.ExpressionAttributeValues[":rev"])
		default:
			t.Errorf("the shelf does not know the condition %q", c)
		}
		if !holds {
			return &types.ConditionalCheckFailedException{}
		}
		standing = in.Item
		return nil
	}}
}

func number(t *testing.T, v types.AttributeValue) string {
	t.Helper()
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		t.Fatalf("%T is no number", v)
	}
	return n.Value
}

// Of two who read the same revision, the first one writes; so it is with the one that does not exist yet.
func TestAStaleRevisionIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(context.Context, API, int64) error{
		"episode": func(ctx context.Context, api API, rev int64) error {
			return NewEpisodes(api, "p").Put(ctx, decide.Episode{Ref: decide.Ref{RuleID: "r", Key: "k"}, Rev: rev})
		},
		"throttle": func(ctx context.Context, api API, rev int64) error {
			return NewThrottles(api, "p").Put(ctx, loop.Throttle{RuleID: "r", Key: "k", Rev: rev})
		},
		"controls": func(ctx context.Context, api API, rev int64) error {
			return NewControls(api, "p").Store(ctx, loop.Controls{Rev: rev})
		},
	} {
		api := shelf(t)
		for rev := range int64(3) {
			if err := put(t.Context(), api, rev); err != nil {
				t.Fatalf("%s: revision %d: %v", name, rev, err)
			}
			for stale := range rev + 1 {
				if err := put(t.Context(), api, stale); !errors.Is(err, loop.ErrConflict) {
					t.Errorf("%s: %d was written over %d: %v", name, stale, rev+1, err)
				}
			}
		}
	}
}

// A refund is an update, which would create the item of an hour that nobody spent of.
func TestARefundMakesNoBudget(t *testing.T) {
	t.Parallel()
	key := loop.BudgetKey("r", time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC))
	s := NewBudgets(fake{update: func(in *dynamodb.UpdateItemInput) error {
		if aws.ToString(in.ConditionExpression) != "attribute_exists(pk)" {
			t.Errorf("an item is made where none stands: condition %q", aws.ToString(in.ConditionExpression))
		}
		return &types.ConditionalCheckFailedException{}
	}}, "p")
	if err := s.Refund(t.Context(), key, "e"); err != nil {
		t.Errorf("nothing to take back: %v", err)
	}
	s = NewBudgets(fake{update: func(*dynamodb.UpdateItemInput) error { return errDown }}, "p")
	if err := s.Refund(t.Context(), key, "e"); !errors.Is(err, errDown) {
		t.Errorf("a refund that failed: %v", err)
	}
}
