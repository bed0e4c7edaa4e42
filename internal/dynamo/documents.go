package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"example.com/unbroken/internal/loop"
)

// Documents are small JSON documents in `outputs`, several under one name: observers' verdicts on a region, the
// region's states by writer, its endpoint. An observer writes its verdict straight into each region's table
// instead of trusting to replication, so the region of the table is chosen per call.
type Documents struct {
	client func(region string) API
	table  string
	now    func() time.Time
	strong bool // reads see every write that was answered before
}

// NewDocuments returns the documents of a deployment.
func NewDocuments(client func(region string) API, prefix string, now func() time.Time) *Documents {
	return &Documents{client: client, table: loop.Name(prefix, loop.TableOutputs), now: now, strong: true}
}

// Eventual are the same documents for who looks again a second later: a read costs half, and may miss what was written
// just now.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
func (s *Documents) Eventual() *Documents {
	same := *s
	same.strong = false
	return &same
}

// maxPlainDoc is up to where a document fits with its keys into the KB that one write unit is for. A verdict is longer, and
// each observer writes one on every region into every table every minute: compressed it fits, too, and those who read the
// verdicts on a region, as every health check does, read them in one unit.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const maxPlainDoc = 800

// Put stores doc under (name, writer) in region's table, in place of the one before. It is gone after keep;
// 0 keeps it.
func (s *Documents) Put(ctx context.Context, region, name, writer string, doc any, keep time.Duration) error {
	it := item{pk: str(name), sk: str(writer)}
	if err := it.setDocument("doc", doc, maxPlainDoc); err != nil {
		return fmt.Errorf("write %s/%s: %w", name, writer, err)
	}
	if keep > 0 {
		it[ttl] = num(expiry(s.now(), keep))
	}
	if _, err := s.client(region).PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: it}); err != nil {
		return fmt.Errorf("write %s/%s in %s: %w", name, writer, region, err)
	}
	return nil
}

// Query returns every document under name, by writer, as region's table has them; nil for one that cannot be read, which
// another version may have written in a form of its own: it must not take the others with it. DynamoDB deletes what has
// expired within days only, so what is past its time is left out here.
func (s *Documents) Query(ctx context.Context, region, name string) (map[string]json.RawMessage, error) {
	docs := map[string]json.RawMessage{}
	pages := dynamodb.NewQueryPaginator(s.client(region), &dynamodb.QueryInput{
		TableName: &s.table, KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: item{":pk": str(name)}, ConsistentRead: &s.strong,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("read %s in %s: %w", name, region, err)
		}
		for _, it := range page.Items {
			r := reader{item: it}
			var doc json.RawMessage
			r.json("doc", &doc)
			writer, until := r.str(sk), r.num(ttl)
			if r.err != nil {
				doc = nil
			}
			if until == 0 || until > s.now().Unix() {
				docs[writer] = doc
			}
		}
	}
	return docs, nil
}

// expiry is when something kept for at least keep may be deleted, in the whole seconds of a TTL.
func expiry(from time.Time, keep time.Duration) int64 {
	return from.Add(keep + time.Second - time.Nanosecond).Unix()
}
