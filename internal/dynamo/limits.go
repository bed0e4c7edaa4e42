package dynamo

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Budgets are sets of effects' ids in `claims`, one a rule and hour.
type Budgets struct {
	api   API
	table string
	wait  wait
}

var _ act.Budgets = (*Budgets)(nil)

// NewBudgets returns the budgets as the region of api sees them.
func NewBudgets(api API, prefix string) *Budgets {
	return &Budgets{api: api, table: loop.Name(prefix, loop.TableClaims), wait: jitter}
}

// Spend adds the effect to the set unless that has most others. One conditional write does all of it, and doing it
// again changes nothing. The size of a set is the number of its elements.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
func (s *Budgets) Spend(ctx context.Context, ruleID string, hour time.Time, effectID string, most int) (bool, error) {
	err := s.wait.afterConflict(ctx, func() error {
		_, err := s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table, Key: item{pk: str(loop.BudgetKey(ruleID, hour))},
			UpdateExpression:    aws.String("ADD ids :set"),
			ConditionExpression: aws.String("attribute_not_exists(ids) OR contains(ids, :id) OR size(ids) < :most"),
			ExpressionAttributeValues: item{
				":set": &types.AttributeValueMemberSS{Value: []string{effectID}}, ":id": str(effectID),
				":most": &types.AttributeValueMemberN{Value: strconv.Itoa(most)},
			},
		})
		return err
	})
	switch {
	case isConditionFailure(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("spend of the budget of %s: %w", ruleID, err)
	}
	return true, nil
}

// Throttles are the decisions of each (rule, key) that were let through, in `claims`.
type Throttles struct {
	api   API
	table string
	wait  wait
}

var _ act.Throttles = (*Throttles)(nil)

// NewThrottles returns the throttles as the region of api sees them.
func NewThrottles(api API, prefix string) *Throttles {
	return &Throttles{api: api, table: loop.Name(prefix, loop.TableClaims), wait: jitter}
}

// Get reads with strong consistency; the zero Rev where there is none.
func (s *Throttles) Get(ctx context.Context, ruleID, key string) (loop.Throttle, error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{pk: str(loop.ThrottleKey(ruleID, key))}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return loop.Throttle{}, fmt.Errorf("read throttle of %s: %w", ruleID, err)
	}
	r := reader{item: out.Item}
	t := loop.Throttle{RuleID: ruleID, Key: key, Rev: r.num("rev")}
	r.json("passed", &t.Passed)
	if r.err != nil {
		return loop.Throttle{}, fmt.Errorf("read throttle of %s: %w", ruleID, r.err)
	}
	return t, nil
}

// Put stores t with Rev+1 if the stored Rev is t.Rev; otherwise loop.ErrConflict. The SDK may send a write twice, so a
// conflict may be with oneself: the stage reads after every conflict.
func (s *Throttles) Put(ctx context.Context, t loop.Throttle) error {
	it := item{pk: str(loop.ThrottleKey(t.RuleID, t.Key)), "rule": str(t.RuleID), "key": str(t.Key), "rev": num(t.Rev + 1)}
	if err := it.setJSON("passed", t.Passed); err != nil {
		return fmt.Errorf("write throttle of %s: %w", t.RuleID, err)
	}
	in := &dynamodb.PutItemInput{TableName: &s.table, Item: it, ConditionExpression: aws.String("attribute_not_exists(pk)")}
	if t.Rev > 0 {
		in.ConditionExpression = aws.String("rev = :rev")
		in.ExpressionAttributeValues = item{":rev": num(t.Rev)}
	}
	err := s.wait.afterConflict(ctx, func() error {
		_, err := s.api.PutItem(ctx, in)
		return err
	})
	if isConditionFailure(err) {
		err = loop.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("write throttle of %s: %w", t.RuleID, err)
	}
	return nil
}
