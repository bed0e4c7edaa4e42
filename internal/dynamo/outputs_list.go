package dynamo

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/loop"
)

// indexKey is the partition of the index that holds a region's keys.
func indexKey(region string) string { return "out#" + region }

// List returns the present versions, without their values, of the keys that start with prefix and follow after, in
// the order of their bytes: at most limit. next is where the next page begins, "" where there is none.
//
// The partition key holds the whole key, so a prefix cannot be asked of the table without reading all of it. It is
// asked of a sparse index of the keys: one query a region. The index holds nothing that changes when a key is written
// again, so that only a key's first write pays for it. What it finds is then read as a batch.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
func (s *Outputs) List(ctx context.Context, prefix, after string, limit int) (page []loop.Output, next string, err error) {
	keys, next, err := s.keys(ctx, prefix, after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list outputs %s*: %w", prefix, err)
	}
	names := slices.DeleteFunc(slices.Clone(fields), func(name string) bool { return name == "value" })
	found, err := s.items(ctx, keys, names, false)
	if err != nil {
		return nil, "", fmt.Errorf("list outputs %s*: %w", prefix, err)
	}
	versions, err := present(found)
	if err != nil {
		return nil, "", fmt.Errorf("list outputs %s*: %w", prefix, err)
	}
	newest := map[string]loop.Output{}
	for _, o := range versions {
		o.Value = nil
		if n, ok := newest[o.Key]; !ok || o.Compare(n) > 0 {
			newest[o.Key] = o
		}
	}
	for _, key := range keys {
		if o, ok := newest[key]; ok { // an index may be ahead of an eventually consistent read
			page = append(page, o)
		}
	}
	return page, next, nil
}

// keys merges the regions' pages of the index. A region that has more to come says nothing about what follows its
// last key, so that none beyond it may be shown.
func (s *Outputs) keys(ctx context.Context, prefix, after string, limit int) (keys []string, next string, err error) {
	pages := make([][]string, len(s.regions))
	more := make([]bool, len(s.regions))
	group, ctx := errgroup.WithContext(ctx)
	for i, region := range s.regions {
		group.Go(func() (err error) {
			pages[i], more[i], err = s.page(ctx, region, prefix, after, limit)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, "", err
	}
	for i, page := range pages {
		keys = append(keys, page...)
		if last := len(page) - 1; more[i] && last >= 0 && (next == "" || page[last] < next) {
			next = page[last]
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if next != "" {
		keys = slices.DeleteFunc(keys, func(key string) bool { return key > next })
	}
	if len(keys) > limit {
		keys = keys[:limit]
		next = keys[limit-1]
	}
	return keys, next, nil
}

// page is one query of the index.
func (s *Outputs) page(ctx context.Context, region, prefix, after string, limit int) (keys []string, more bool, err error) {
	in := &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String(loop.IndexKeys),
		KeyConditionExpression:    aws.String("#listed = :listed"),
		ExpressionAttributeNames:  map[string]string{"#listed": loop.IndexHash},
		ExpressionAttributeValues: item{":listed": str(indexKey(region))},
		Limit:                     aws.Int32(int32(limit)), //nolint:gosec // bounded by the caller, far below
	}
	if prefix != "" { // the empty string is no value of a key
		*in.KeyConditionExpression += " AND begins_with(#key, :prefix)"
		in.ExpressionAttributeNames["#key"], in.ExpressionAttributeValues[":prefix"] = loop.IndexRange, str(prefix)
	}
	if after != "" { // it need not be a key of this region: the place counts
		in.ExclusiveStartKey = item{
			pk: str(outputKey(region, after)), sk: str(current), loop.IndexHash: str(indexKey(region)), loop.IndexRange: str(after),
		}
	}
	out, err := s.api.Query(ctx, in)
	if err != nil {
		return nil, false, fmt.Errorf("query the keys of %s: %w", region, err)
	}
	for _, it := range out.Items {
		r := reader{item: it}
		keys = append(keys, r.str(loop.IndexRange))
		if r.err != nil {
			return nil, false, r.err
		}
	}
	return keys, len(out.LastEvaluatedKey) > 0, nil
}
