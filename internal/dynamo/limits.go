package dynamo

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/sweep"
)

// Budgets are bounded sets of ids in `claims`, such as the effects of a rule and hour.
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

// Spend adds id to the set unless that has most others. One conditional write does all of it, and doing it
// again changes nothing. The size of a set is the number of its elements.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
func (s *Budgets) Spend(ctx context.Context, key, id string, most int) (bool, error) {
	err := s.wait.afterConflict(ctx, func() error {
		_, err := s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table, Key: item{pk: str(key)},
			UpdateExpression:    aws.String("ADD ids :set"),
			ConditionExpression: aws.String("attribute_not_exists(ids) OR contains(ids, :id) OR size(ids) < :most"),
			ExpressionAttributeValues: item{
				":set": &types.AttributeValueMemberSS{Value: []string{id}}, ":id": str(id),
				":most": &types.AttributeValueMemberN{Value: strconv.Itoa(most)},
			},
		})
		return err
	})
	switch {
	case isConditionFailure(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("spend of %s: %w", key, err)
	}
	return true, nil
}

// Refund takes id out of the set. The set of an hour that nobody spent of is not made by it, nor one that the sweeper
// has deleted: an update would create the item. The last element's removal takes the attribute away.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html#Expressions.UpdateExpressions.DELETE
func (s *Budgets) Refund(ctx context.Context, key, id string) error {
	err := s.wait.afterConflict(ctx, func() error {
		_, err := s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &s.table, Key: item{pk: str(key)},
			UpdateExpression:          aws.String("DELETE ids :set"),
			ConditionExpression:       aws.String("attribute_exists(pk)"),
			ExpressionAttributeValues: item{":set": &types.AttributeValueMemberSS{Value: []string{id}}},
		})
		return err
	})
	if err != nil && !isConditionFailure(err) {
		return fmt.Errorf("refund to %s: %w", key, err)
	}
	return nil
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
	it.setTime("last", t.Last())
	if err := it.setJSON("passed", t.Passed); err != nil {
		return fmt.Errorf("write throttle of %s: %w", t.RuleID, err)
	}
	err := s.wait.putRevision(ctx, s.api, s.table, it, t.Rev)
	if err != nil {
		return fmt.Errorf("write throttle of %s: %w", t.RuleID, err)
	}
	return nil
}

// readLimit is what the sweeper needs to know of a budget or a throttle.
func readLimit(kind, key string, it item) (l sweep.Limit, err error) {
	l.Key = key
	if kind == "budget" {
		l.Last, err = loop.BudgetHour(key)
		return l, err
	}
	r := reader{item: it}
	t := loop.Throttle{}
	r.json("passed", &t.Passed)
	l.Last = t.Last()
	return l, r.err
}

// DeleteLimit implements sweep.Table. Nobody adds to the budget of an hour that is long over; a throttle may have let
// through something new, and then it names when.
func (s *ClaimsTable) DeleteLimit(ctx context.Context, l sweep.Limit) error {
	if strings.HasPrefix(l.Key, "budget#") {
		return s.remove(ctx, l.Key, "attribute_exists(pk)", nil, nil)
	}
	return s.remove(ctx, l.Key, "#last = :last", map[string]string{"#last": "last"}, item{":last": str(loop.TimeKey(l.Last))})
}
