package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// windowScan reads one partition backwards from its newest entry, page by page, until the look has seen enough. A
// busy key's window may hold very many entries, of which count needs the newest few.
type windowScan struct {
	api       API
	table     string
	partition string
	strong    bool // this region's own entries; a peer's are here as far as they have replicated
	look      decide.Look
}

// The first page has room for what is expected and some entries from `at` on; further ones grow, so that a reader
// far behind the newest entry does not take small steps all the way.
const (
	pageSlack = 20
	maxPage   = 1000
)

func (w windowScan) run(ctx context.Context) (*decide.Reading, error) {
	in := &dynamodb.QueryInput{
		TableName:                 &w.table,
		KeyConditionExpression:    aws.String("pk = :pk AND sk >= :from"),
		ExpressionAttributeValues: item{":pk": str(w.partition), ":from": str(w.from())},
		ScanIndexForward:          aws.Bool(false),
		ConsistentRead:            aws.Bool(w.strong),
	}
	reading := w.look.Read()
	for page := int32(min(w.look.Expect+pageSlack, maxPage)); ; page = min(4*page, maxPage) { //nolint:gosec // at most maxPage
		in.Limit = aws.Int32(page)
		out, err := w.api.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			e, err := readEntry(it)
			if err != nil {
				return nil, err
			}
			if !reading.Add(e) {
				return reading, nil
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return reading, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// from is the oldest sort key of interest. '$' follows '#', so the key excludes exactly what is not later than
// `after`; a position at or before `after` is wanted all the same.
func (w windowScan) from() string {
	from := w.look.At.String()
	if w.look.Before != nil {
		from = min(from, loop.TimeKey(w.look.After)+"$")
	}
	return from
}
