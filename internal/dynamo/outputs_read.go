package dynamo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/loop"
)

// fields are the attributes of the present version. A read that does not want the history asks for these only.
var fields = []string{"key", "value", "contentType", "fence", "origin", "effectID", "rule", "writtenAt"}

// Read returns the newest version of key that has reached this region; loop.ErrNotFound where there is none. The
// own region's item is read strongly: what was written here is seen here.
func (s *Outputs) Read(ctx context.Context, key string) (loop.Output, error) {
	found, err := s.items(ctx, []string{key}, fields, true)
	if err != nil {
		return loop.Output{}, fmt.Errorf("read output %s: %w", key, err)
	}
	versions, err := present(found)
	if err != nil {
		return loop.Output{}, fmt.Errorf("read output %s: %w", key, err)
	}
	if len(versions) == 0 {
		return loop.Output{}, fmt.Errorf("read output %s: %w", key, loop.ErrNotFound)
	}
	return slices.MaxFunc(versions, loop.Output.Compare), nil
}

// History returns the newest versions of key over all regions, newest first, at most loop.MaxOutputVersions of them;
// loop.ErrNotFound where there is none.
func (s *Outputs) History(ctx context.Context, key string) ([]loop.Output, error) {
	found, err := s.items(ctx, []string{key}, nil, true)
	if err != nil {
		return nil, fmt.Errorf("read history of output %s: %w", key, err)
	}
	versions, err := present(found)
	if err != nil {
		return nil, fmt.Errorf("read history of output %s: %w", key, err)
	}
	if len(versions) == 0 {
		return nil, fmt.Errorf("read history of output %s: %w", key, loop.ErrNotFound)
	}
	for _, it := range found {
		r := reader{item: it}
		for i := 1; i < loop.MaxOutputVersions; i++ {
			name := slot + strconv.Itoa(i)
			if _, empty := it[name].(*types.AttributeValueMemberNULL); empty || it[name] == nil {
				break
			}
			var o loop.Output
			r.json(name, &o)
			versions = append(versions, o)
		}
		if r.err != nil {
			return nil, fmt.Errorf("read history of output %s: %w", key, r.err)
		}
	}
	return loop.NewestVersions(versions), nil
}

// present reads the present version of each item.
func present(found []item) ([]loop.Output, error) {
	versions := make([]loop.Output, 0, len(found))
	for _, it := range found {
		o, err := readOutput(it)
		if err != nil {
			return nil, err
		}
		versions = append(versions, o)
	}
	return versions, nil
}

// maxBatchGet is how many items one call may ask for.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
const maxBatchGet = 100

// items reads every region's item of the keys, in as few calls as DynamoDB allows. Without names it reads all
// attributes.
func (s *Outputs) items(ctx context.Context, keys, names []string, strongly bool) (found []item, err error) {
	var all []map[string]types.AttributeValue
	for _, key := range keys {
		for _, region := range s.regions {
			all = append(all, item{pk: str(outputKey(region, key)), sk: str(current)})
		}
	}
	for part := range slices.Chunk(all, maxBatchGet) {
		ask := types.KeysAndAttributes{Keys: part, ConsistentRead: aws.Bool(strongly)}
		for i, name := range names {
			if i == 0 {
				ask.ExpressionAttributeNames, ask.ProjectionExpression = map[string]string{}, aws.String("")
			} else {
				*ask.ProjectionExpression += ","
			}
			ask.ExpressionAttributeNames["#"+name] = name
			*ask.ProjectionExpression += "#" + name
		}
		got, err := s.batch(ctx, ask)
		if err != nil {
			return nil, err
		}
		found = append(found, got...)
	}
	return found, nil
}

func (s *Outputs) batch(ctx context.Context, ask types.KeysAndAttributes) (found []item, err error) {
	request := map[string]types.KeysAndAttributes{s.table: ask}
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
		Key: r.str("key"), Value: json.RawMessage(r.str("value")), ContentType: r.str("contentType"), Fence: loop.Fence(r.str("fence")),
		Origin: r.str("origin"), EffectID: r.str("effectID"), RuleID: r.str("rule"), WrittenAt: r.time("writtenAt"),
	}
	o.ContentType = cmp.Or(o.ContentType, loop.ContentJSON) // items from before the attribute
	return o, r.err
}
