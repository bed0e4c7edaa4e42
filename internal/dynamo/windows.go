package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// Windows are window entries in `outputs`: one item per entry, in the partition of its (rule, key) and of the
// region that wrote it. They are added and never changed, so that replication cannot lose one to another.
type Windows struct {
	api     API
	table   string
	region  string
	regions []string
	now     func() time.Time
	wait    wait
}

var _ decide.Windows = (*Windows)(nil)

// NewWindows returns the windows as region sees them. The client is that region's; regions are all loop regions.
func NewWindows(api API, prefix, region string, regions []string, now func() time.Time) *Windows {
	return &Windows{api: api, table: loop.Name(prefix, loop.TableOutputs), region: region, regions: regions, now: now, wait: jitter}
}

func windowKey(region string, ref decide.Ref) string {
	return "win#" + region + "#" + ref.RuleID + "#" + loop.KeyHash(ref.Key)
}

// maxBatchItems is how many items one BatchWriteItem takes.
const maxBatchItems = 25

// Put stores entries for at least keep, counted from now or from the entry's own time, whichever is later.
func (s *Windows) Put(ctx context.Context, ref decide.Ref, entries []decide.Entry, keep time.Duration) error {
	items := s.items(ref, entries, keep)
	var err error
	if len(items) == 1 {
		_, err = s.api.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: items[0]})
	} else {
		for from := 0; from < len(items) && err == nil; from += maxBatchItems {
			err = s.putBatch(ctx, items[from:min(from+maxBatchItems, len(items))])
		}
	}
	if err != nil {
		return fmt.Errorf("store window entries of %s: %w", ref.RuleID, err)
	}
	return nil
}

// items has one item per position: DynamoDB refuses a batch that names one item twice.
func (s *Windows) items(ref decide.Ref, entries []decide.Entry, keep time.Duration) []item {
	items := make([]item, 0, len(entries))
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		at := e.Pos.String()
		if seen[at] {
			continue
		}
		seen[at] = true
		from := s.now()
		if e.Pos.Time.After(from) {
			from = e.Pos.Time
		}
		items = append(items, entryItem(e, item{pk: str(windowKey(s.region, ref)), sk: str(at), ttl: num(expiry(from, keep))}))
	}
	return items
}

func (s *Windows) putBatch(ctx context.Context, items []item) error {
	requests := make([]types.WriteRequest, len(items))
	for i, it := range items {
		requests[i] = types.WriteRequest{PutRequest: &types.PutRequest{Item: it}}
	}
	return s.wait.untilWhole(ctx, func() (int, error) {
		out, err := s.api.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{s.table: requests},
		})
		if err != nil {
			return 0, err
		}
		requests = out.UnprocessedItems[s.table]
		return len(requests), nil
	})
}

// Around reads what the look asks for of every region's partition: a signal may stand in several.
func (s *Windows) Around(ctx context.Context, ref decide.Ref, look decide.Look) (decide.Seen, error) {
	shares := make([]*decide.Reading, len(s.regions))
	group, gctx := errgroup.WithContext(ctx)
	for i, region := range s.regions {
		group.Go(func() (err error) {
			scan := windowScan{
				api: s.api, table: s.table, partition: windowKey(region, ref), strong: region == s.region, look: look,
			}
			shares[i], err = scan.run(gctx)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return decide.Seen{}, fmt.Errorf("read window of %s: %w", ref.RuleID, err)
	}
	return look.Merge(shares...), nil
}
