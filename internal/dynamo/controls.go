package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// Controls is the silences and kill switches in `claims`: one item, so that one read tells all of them.
type Controls struct {
	api   API
	table string
	wait  wait
}

var _ act.Controls = (*Controls)(nil)

// NewControls returns the record as the region of api sees it.
func NewControls(api API, prefix string) *Controls {
	return &Controls{api: api, table: loop.Name(prefix, loop.TableClaims), wait: jitter}
}

// Load reads with strong consistency; the zero value where nothing is stored.
func (s *Controls) Load(ctx context.Context) (c loop.Controls, err error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{pk: str(loop.KeyControls)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return c, fmt.Errorf("read the controls: %w", err)
	}
	r := reader{item: out.Item} // no item reads as the zero value
	r.json("doc", &c)
	c.Rev = r.num("rev")
	if r.err != nil {
		return loop.Controls{}, fmt.Errorf("read the controls: %w", r.err)
	}
	return c, nil
}

// Store stores next with Rev+1 if the stored Rev is next.Rev; otherwise loop.ErrConflict. The SDK may send a write
// twice, so a conflict may be with oneself: callers read again and look.
func (s *Controls) Store(ctx context.Context, next loop.Controls) error {
	standing := next.Rev
	next.Rev++
	it := item{pk: str(loop.KeyControls), "rev": num(next.Rev)}
	if err := it.setJSON("doc", next); err != nil {
		return fmt.Errorf("write the controls: %w", err)
	}
	err := s.wait.putRevision(ctx, s.api, s.table, it, standing)
	if err != nil {
		return fmt.Errorf("write the controls: %w", err)
	}
	return nil
}
