package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// Firings are the firings that stand in the episodes.
type Firings struct {
	api   API
	table string
}

var _ act.Firings = (*Firings)(nil)

// NewFirings returns the firings as the region of api sees them.
func NewFirings(api API, prefix string) *Firings {
	return &Firings{api: api, table: loop.Name(prefix, loop.TableClaims)}
}

// Get reads with strong consistency; none where nothing is stored. Of the item only this part is sent, though all of it
// is paid for:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html
func (s *Firings) Get(ctx context.Context, of loop.RuleKey) (all []loop.Firing, err error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{pk: str(episodeKey(decide.Ref{RuleID: of.Rule, Key: of.Key}))},
		ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("firings"),
	})
	if err == nil {
		r := reader{item: out.Item}
		r.json("firings", &all)
		err = r.err
	}
	if err != nil {
		return nil, fmt.Errorf("read firings of %s: %w", of.Rule, err)
	}
	return all, nil
}
