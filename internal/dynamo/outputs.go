package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Outputs are the last known good outputs, one item per (key, region). A region writes its own item only; readers
// take the greatest version of all regions' items, so that they agree without the writers having to.
//
// The item holds the present version in attributes of its own, and the earlier ones in slots: `kept` is the present
// version as it will be remembered, `h1` the one before it, and so on. A write moves every slot on by one, inside
// DynamoDB: history costs no second call and no read, and two writers that race lose none of it.
type Outputs struct {
	api     API
	table   string
	region  string
	regions []string
	wait    wait
}

var _ act.Outputs = (*Outputs)(nil)

// NewOutputs returns the outputs as region sees them. The client is that region's; regions are all loop regions.
func NewOutputs(api API, prefix, region string, regions []string) *Outputs {
	return &Outputs{api: api, table: loop.Name(prefix, loop.TableOutputs), region: region, regions: regions, wait: jitter}
}

func outputKey(region, key string) string { return "out#" + region + "#" + key }

// current is the sort key of an output's item.
const current = "v"

// Attributes of an output's item beside the fields of loop.Output.
const (
	kept = "kept" // the present version as it will be remembered
	slot = "h"    // + 1 …: the earlier versions, newest first
)

// Write stores o unless this region holds a newer version: then loop.ErrFenced. The refused write itself returns
// what stands, so that a write that was sent twice, by the SDK or by a redelivery, finds itself there.
func (s *Outputs) Write(ctx context.Context, o loop.Output) error {
	in, err := s.update(o)
	if err != nil {
		return fmt.Errorf("write output %s: %w", o.Key, err)
	}
	_, err = s.api.UpdateItem(ctx, in)
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		err = loop.ErrFenced
		if standing, rerr := readOutput(failed.Item); rerr == nil && len(failed.Item) > 0 && standing.CompareVersion(o) == 0 {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("write output %s: %w", o.Key, err)
	}
	return nil
}

// update makes the one call. DynamoDB evaluates every action against the item as it was before, so the slots move
// on together.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func (s *Outputs) update(o loop.Output) (*dynamodb.UpdateItemInput, error) {
	set := item{
		"key": str(o.Key), "value": str(string(o.Value)), "contentType": str(o.ContentType), "fence": str(string(o.Fence)),
		"origin": str(o.Origin), "effectID": str(o.EffectID), "rule": str(o.RuleID), loop.IndexHash: str(indexKey(s.region)),
	}
	set.setTime("writtenAt", o.WrittenAt)
	if err := set.setJSON(kept, o.Earlier()); err != nil {
		return nil, err
	}
	names, values := map[string]string{}, item{":none": &types.AttributeValueMemberNULL{Value: true}}
	var actions []string
	for name, value := range set {
		names["#"+name], values[":"+name] = name, value
		actions = append(actions, "#"+name+" = :"+name)
	}
	for i, from := 1, kept; i < loop.MaxOutputVersions; i++ {
		to := slot + strconv.Itoa(i)
		actions = append(actions, to+" = if_not_exists("+from+", :none)")
		from = to
	}
	return &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{pk: str(outputKey(s.region, o.Key)), sk: str(current)},
		UpdateExpression:         aws.String("SET " + strings.Join(actions, ", ")),
		ConditionExpression:      aws.String("attribute_not_exists(#fence) OR #fence < :fence OR (#fence = :fence AND #effectID < :effectID)"),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, nil
}
