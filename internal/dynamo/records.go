package dynamo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
)

// Records is JSON records in `claims`, one item each with a revision: what all regions must see alike and few write.
type Records struct {
	api   API
	table string
	wait  wait
}

var _ observe.Records = (*Records)(nil)

// NewRecords returns the records as the region of api sees them.
func NewRecords(api API, prefix string) *Records {
	return &Records{api: api, table: loop.Name(prefix, loop.TableClaims), wait: jitter}
}

// Load reads with strong consistency; nil and 0 where nothing is stored.
func (s *Records) Load(ctx context.Context, key string) (doc json.RawMessage, rev int64, err error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: item{pk: str(key)}, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", key, err)
	}
	if out.Item == nil {
		return nil, 0, nil
	}
	r := reader{item: out.Item}
	r.json("doc", &doc)
	rev = r.num("rev")
	if r.err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", key, r.err)
	}
	return doc, rev, nil
}

// Store writes doc with revision standing+1 if the stored one is standing; otherwise loop.ErrConflict. The SDK may send
// a write twice, so a conflict may be with oneself.
func (s *Records) Store(ctx context.Context, key string, doc any, standing int64) error {
	it := item{pk: str(key), "rev": num(standing + 1)}
	if err := it.setJSON("doc", doc); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	if err := s.wait.putRevision(ctx, s.api, s.table, it, standing); err != nil {
		return fmt.Errorf("write %s: %w", key, err)
	}
	return nil
}
