package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"example.com/unbroken/internal/loop"
)

// putRevision writes an item that carries its revision in "rev", if the one that stands has revision standing (0:
// there is none); otherwise loop.ErrConflict. After any other error it may or may not have happened.
func (w wait) putRevision(ctx context.Context, api API, table string, it item, standing int64) error {
	in := &dynamodb.PutItemInput{TableName: &table, Item: it, ConditionExpression: aws.String("attribute_not_exists(pk)")}
	if standing > 0 {
		in.ConditionExpression = aws.String("rev = :rev")
		in.ExpressionAttributeValues = item{":rev": num(standing)}
	}
	err := w.afterConflict(ctx, func() error {
		_, err := api.PutItem(ctx, in)
		return err
	})
	if isConditionFailure(err) {
		return loop.ErrConflict
	}
	return err
}
