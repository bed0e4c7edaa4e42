package target

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// DynamoDBAPI is the part of DynamoDB that is used here; *dynamodb.Client implements it.
type DynamoDBAPI interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// DynamoDB puts an item if the one that stands has an older fence: one conditional write, in which DynamoDB itself
// compares. The item is replaced as a whole, since it belongs to one (rule, key). In a global table the condition
// is checked by the region that writes: only one with strong consistency keeps the promise in two regions.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
func DynamoDB(clients Clients[DynamoDBAPI]) act.Target {
	return deliver(func(ctx context.Context, e loop.Effect, r loop.Request) act.Answer {
		path, ok := strings.CutPrefix(r.URL, "dynamodb://")
		table, key, found := strings.Cut(path, "/")
		if !ok || !found {
			return refused("the resource is not of the form dynamodb://table/item")
		}
		item, err := attributes(r.Body)
		if err != nil {
			return refused("content: " + err.Error())
		}
		keyName := r.Headers["key_name"]
		for name, value := range map[string]string{keyName: key, loop.AttributeFence: string(e.Fence), loop.AttributeEffect: e.ID} {
			if _, taken := item[name]; taken {
				return refused("content: the attribute " + name + " is set by unbroken; leave it out")
			}
			item[name] = &types.AttributeValueMemberS{Value: value}
		}
		ctx, call := watch(ctx)
		_, err = clients(r.Headers["region"]).PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &table, Item: item,
			ConditionExpression:       aws.String("attribute_not_exists(#f) OR #f < :f"),
			ExpressionAttributeNames:  map[string]string{"#f": loop.AttributeFence},
			ExpressionAttributeValues: map[string]types.AttributeValue{":f": &types.AttributeValueMemberS{Value: string(e.Fence)}},

			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
			return held(failed.Item, e)
		}
		if err != nil {
			return call.answer(err)
		}
		return delivered("item written")
	})
}

// held reads what the condition met.
func held(item map[string]types.AttributeValue, e loop.Effect) act.Answer {
	fence, ok := item[loop.AttributeFence].(*types.AttributeValueMemberS)
	if !ok {
		return refused("the attribute " + loop.AttributeFence + " of the item is no text: it is not ours to overwrite")
	}
	a, more := standing(fence.Value, e)
	if more { // the condition says the opposite of the item that it returned
		return unsent("the item changed while it was compared")
	}
	return a
}
