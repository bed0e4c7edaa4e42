package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Claims are the effect claims in `claims`, on which all regions agree. The fields of a claim are attributes of
// their own, so that an operator can query for them; the effect is one document, read by machines only. Claims
// have no TTL, which such a table does not have: the daily scan deletes them when their horizon has passed.
type Claims struct {
	api   API
	table string
	wait  wait
}

var _ act.Claims = (*Claims)(nil)

// NewClaims returns the claims as the region of api sees them.
func NewClaims(api API, prefix string) *Claims {
	return &Claims{api: api, table: loop.Name(prefix, loop.TableClaims), wait: jitter}
}

// Open stores c if there is no claim for its effect. The one that stands is returned by the refused write itself,
// so that a standby copy, which normally finds its effect done, costs one call. The SDK may send a write twice: one
// that finds what it wanted to write has already happened.
func (s *Claims) Open(ctx context.Context, c loop.Claim) (stored loop.Claim, opened bool, err error) {
	it, err := claimItem(c)
	if err != nil {
		return loop.Claim{}, false, fmt.Errorf("open claim %s: %w", c.EffectID, err)
	}
	standing, err := s.put(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: it,
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	switch {
	case err == nil, standing != nil && sameWrite(standing, it):
		return c, true, nil
	case standing == nil:
		return loop.Claim{}, false, fmt.Errorf("open claim %s: %w", c.EffectID, err)
	}
	stored, err = readClaim(standing)
	if err != nil {
		return loop.Claim{}, false, fmt.Errorf("open claim %s: %w", c.EffectID, err)
	}
	return stored, false, nil
}

// Swap replaces the claim with next if the stored one is not terminal and still has token; otherwise
// loop.ErrFenced. As with Open, finding one's own write is success.
func (s *Claims) Swap(ctx context.Context, next loop.Claim, token int64) error {
	return s.replace(ctx, "swap", next, token, loop.StatusClaimed)
}

// Unpark replaces a parked claim that still has token with next; otherwise loop.ErrFenced. Only a person's command
// does this: for everyone else a parked claim is final.
func (s *Claims) Unpark(ctx context.Context, next loop.Claim, token int64) error {
	return s.replace(ctx, "unpark", next, token, loop.StatusParked)
}

// replace writes next over a claim that has token and is in state from. Finding one's own write is success.
func (s *Claims) replace(ctx context.Context, what string, next loop.Claim, token int64, from loop.Status) error {
	it, err := claimItem(next)
	if err != nil {
		return fmt.Errorf("%s claim %s: %w", what, next.EffectID, err)
	}
	standing, err := s.put(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: it,
		ConditionExpression:      aws.String("#token = :t AND #status = :from"),
		ExpressionAttributeNames: map[string]string{"#token": "token", "#status": "status"},
		ExpressionAttributeValues: item{
			":t": num(token), ":from": str(string(from)),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	switch {
	case err == nil:
		return nil
	case standing != nil && sameWrite(standing, it):
		return nil
	case standing != nil || isConditionFailure(err):
		return fmt.Errorf("%s claim %s: %w", what, next.EffectID, loop.ErrFenced)
	}
	return fmt.Errorf("%s claim %s: %w", what, next.EffectID, err)
}

// Get reads the claim with strong consistency; loop.ErrNotFound where there is none.
func (s *Claims) Get(ctx context.Context, effectID string) (loop.Claim, error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{pk: str(claimKey(effectID))}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return loop.Claim{}, fmt.Errorf("read claim %s: %w", effectID, err)
	}
	if len(out.Item) == 0 {
		return loop.Claim{}, fmt.Errorf("read claim %s: %w", effectID, loop.ErrNotFound)
	}
	c, err := readClaim(out.Item)
	if err != nil {
		return loop.Claim{}, fmt.Errorf("read claim %s: %w", effectID, err)
	}
	return c, nil
}

// put returns the standing item where the condition failed on one.
func (s *Claims) put(ctx context.Context, in *dynamodb.PutItemInput) (standing item, err error) {
	err = s.wait.afterConflict(ctx, func() error {
		_, err := s.api.PutItem(ctx, in)
		return err
	})
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		standing = failed.Item
	}
	return standing, err
}

func isConditionFailure(err error) bool {
	_, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	return ok
}
