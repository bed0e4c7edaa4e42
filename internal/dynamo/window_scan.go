package dynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// windowScan reads one partition backwards from its newest entry, page by page, until it has seen enough hits
// before `at`. A busy key's window may hold very many entries, of which count needs the newest few.
type windowScan struct {
	api       API
	table     string
	partition string
	strong    bool // this region's own entries; a peer's are here as far as they have replicated
	at        loop.Position
	after     time.Time
	hits      int
}

// The first page has room for the hits and some entries from `at` on; further ones grow, so that a reader far
// behind the newest entry does not take small steps all the way.
const (
	pageSlack = 20
	maxPage   = 1000
)

func (w windowScan) run(ctx context.Context) ([]decide.Entry, error) {
	in := &dynamodb.QueryInput{
		TableName:                 &w.table,
		KeyConditionExpression:    aws.String("pk = :pk AND sk >= :from"),
		ExpressionAttributeValues: item{":pk": str(w.partition), ":from": str(w.from())},
		ScanIndexForward:          aws.Bool(false),
		ConsistentRead:            aws.Bool(w.strong),
	}
	var entries []decide.Entry                                                                    // newest first
	for page, before := int32(min(w.hits+pageSlack, maxPage)), 0; ; page = min(4*page, maxPage) { //nolint:gosec // at most maxPage
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
			if e.Pos.Compare(w.at) < 0 {
				if e.Clear {
					continue
				}
				before++
			}
			if before > w.hits {
				break
			}
			entries = append(entries, e)
		}
		if w.hits > 0 && before >= w.hits || len(out.LastEvaluatedKey) == 0 {
			slices.Reverse(entries)
			return entries, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// from is the oldest sort key of interest. '$' follows '#', so the key excludes exactly what is not later than
// `after`; a position at or before `after` is wanted all the same.
func (w windowScan) from() string {
	from := w.at.String()
	if w.hits > 0 {
		from = min(from, loop.TimeKey(w.after)+"$")
	}
	return from
}

func readEntry(it item) (decide.Entry, error) {
	r := reader{item: it}
	pos, err := loop.ParsePosition(r.str(sk))
	if err != nil {
		return decide.Entry{}, fmt.Errorf("stored window entry: %w", err)
	}
	hit, ok := it["clear"].(*types.AttributeValueMemberBOOL)
	if !ok {
		return decide.Entry{}, fmt.Errorf("stored window entry %s does not say whether it clears", pos)
	}
	return decide.Entry{Pos: pos, Clear: hit.Value}, r.err
}
