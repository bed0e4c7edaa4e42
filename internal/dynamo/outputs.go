package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Outputs are the last known good outputs, one item per (key, region). A region writes its own item only; readers
// take the greatest fence of all regions' items, so that they agree without the writers having to.
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

// current is the sort key of the present output; older ones stand under their fence.
const current = "v"

// Write stores o unless this region holds one with a greater fence: then loop.ErrFenced. Writing the same fence
// again is no conflict, so a repeated write is harmless.
func (s *Outputs) Write(ctx context.Context, o loop.Output) error {
	it := item{
		pk: str(outputKey(s.region, o.Key)), sk: str(current),
		"key": str(o.Key), "value": str(string(o.Value)), "fence": str(string(o.Fence)), "origin": str(o.Origin),
		"effectID": str(o.EffectID), "rule": str(o.RuleID),
	}
	it.setTime("writtenAt", o.WrittenAt)
	_, err := s.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: it,
		ConditionExpression:       aws.String("attribute_not_exists(fence) OR fence <= :f"),
		ExpressionAttributeValues: item{":f": str(string(o.Fence))},
	})
	if isConditionFailure(err) {
		err = loop.ErrFenced
	}
	if err != nil {
		return fmt.Errorf("write output %s: %w", o.Key, err)
	}
	return nil
}

// Read returns the output with the greatest fence that has reached this region; loop.ErrNotFound where there is
// none. The own region's item is read strongly: what was written here is seen here.
func (s *Outputs) Read(ctx context.Context, key string) (loop.Output, error) {
	found, err := s.items(ctx, key)
	if err != nil {
		return loop.Output{}, fmt.Errorf("read output %s: %w", key, err)
	}
	var newest loop.Output
	for i, it := range found {
		o, err := readOutput(it)
		if err != nil {
			return loop.Output{}, fmt.Errorf("read output %s: %w", key, err)
		}
		if i == 0 || o.Fence > newest.Fence {
			newest = o
		}
	}
	if len(found) == 0 {
		return loop.Output{}, fmt.Errorf("read output %s: %w", key, loop.ErrNotFound)
	}
	return newest, nil
}

// items reads every region's item of one key in one call, as far as DynamoDB does not ask for more.
func (s *Outputs) items(ctx context.Context, key string) (found []item, err error) {
	keys := make([]map[string]types.AttributeValue, len(s.regions))
	for i, r := range s.regions {
		keys[i] = item{pk: str(outputKey(r, key)), sk: str(current)}
	}
	request := map[string]types.KeysAndAttributes{s.table: {Keys: keys, ConsistentRead: aws.Bool(true)}}
	err = s.wait.untilWhole(ctx, func() (int, error) {
		out, err := s.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: request})
		if err != nil {
			return 0, err
		}
		for _, it := range out.Responses[s.table] {
			found = append(found, it)
		}
		request = maps.Clone(out.UnprocessedKeys)
		return len(request[s.table].Keys), nil
	})
	return found, err
}

func readOutput(it item) (loop.Output, error) {
	r := reader{item: it}
	o := loop.Output{
		Key: r.str("key"), Value: json.RawMessage(r.str("value")), Fence: loop.Fence(r.str("fence")), Origin: r.str("origin"),
		EffectID: r.str("effectID"), RuleID: r.str("rule"), WrittenAt: r.time("writtenAt"),
	}
	return o, r.err
}
