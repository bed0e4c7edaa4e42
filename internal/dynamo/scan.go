package dynamo

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/sweep"
)

// ClaimsTable is `claims` as a whole: scanned page by page, and cleared of what has ended. Half the capacity of a
// strongly consistent scan is enough, because every delete checks again what was read.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html
type ClaimsTable struct {
	api      API
	table    string
	wait     wait
	episodes *Episodes
}

var _ sweep.Table = (*ClaimsTable)(nil)

// NewClaimsTable returns the table as the region of api sees it.
func NewClaimsTable(api API, prefix string) *ClaimsTable {
	return &ClaimsTable{api: api, table: loop.Name(prefix, loop.TableClaims), wait: jitter, episodes: NewEpisodes(api, prefix)}
}

// Scan implements sweep.Table. A filter saves the way to here, not the capacity: that is for what was looked at.
func (s *ClaimsTable) Scan(ctx context.Context, q sweep.Query) (sweep.Page, error) {
	in := &dynamodb.ScanInput{
		TableName: &s.table, Limit: aws.Int32(int32(q.Limit)), //nolint:gosec // a page is small
		Segment: aws.Int32(int32(q.Segment)), TotalSegments: aws.Int32(int32(q.Segments)), //nolint:gosec // so are these
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	if q.After != "" {
		in.ExclusiveStartKey = item{pk: str(q.After)}
	}
	if q.Status != "" {
		in.FilterExpression = aws.String("#status = :s AND begins_with(pk, :effect)")
		in.ExpressionAttributeNames = map[string]string{"#status": "status"}
		in.ExpressionAttributeValues = item{":s": str(string(q.Status)), ":effect": str(claimKey(""))}
	}
	out, err := s.api.Scan(ctx, in)
	if err != nil {
		return sweep.Page{}, fmt.Errorf("scan %s: %w", s.table, err)
	}
	page := sweep.Page{Scanned: int(out.ScannedCount)}
	if out.ConsumedCapacity != nil {
		page.Units = aws.ToFloat64(out.ConsumedCapacity.CapacityUnits)
	}
	if len(out.LastEvaluatedKey) > 0 {
		r := reader{item: out.LastEvaluatedKey}
		if page.Next = r.str(pk); r.err != nil || page.Next == "" {
			return sweep.Page{}, fmt.Errorf("scan %s: the answer does not say where to go on", s.table)
		}
	}
	for _, it := range out.Items {
		r := reader{item: it}
		key := r.str(pk)
		var err error
		switch kind, _, _ := strings.Cut(key, "#"); kind {
		case "effect":
			var c loop.Claim
			if c, err = readClaim(it); err == nil {
				page.Claims = append(page.Claims, c)
			}
		case "episode":
			var e decide.Episode
			if e, err = readEpisode(it); err == nil {
				page.Episodes = append(page.Episodes, summary(e))
			}
		case "budget", "throttle":
			var l sweep.Limit
			if l, err = readLimit(kind, key, it); err == nil {
				page.Limits = append(page.Limits, l)
			}
		}
		if err != nil { // one broken record must not hide all that come after it
			page.Unreadable = append(page.Unreadable, key)
		}
	}
	return page, nil
}

// Episode implements sweep.Table.
func (s *ClaimsTable) Episode(ctx context.Context, ruleID, key string) (sweep.Episode, error) {
	e, err := s.episodes.Get(ctx, decide.Ref{RuleID: ruleID, Key: key})
	return summary(e), err
}

func summary(e decide.Episode) sweep.Episode {
	s := sweep.Episode{RuleID: e.RuleID, Key: e.Key, N: e.N, Rev: e.Rev, Open: e.Open, UpdatedAt: e.UpdatedAt}
	s.Pending, s.Oldest = e.Pending()
	return s
}

// DeleteClaim implements sweep.Table. The token changes with every holder and a terminal status only by a person, who
// raises the token: what has both is what was judged.
func (s *ClaimsTable) DeleteClaim(ctx context.Context, c loop.Claim) error {
	return s.remove(ctx, claimKey(c.EffectID), "#token = :token AND #status = :status",
		map[string]string{"#token": "token", "#status": "status"},
		item{":token": num(c.Token), ":status": str(string(c.Status))})
}

// DeleteEpisode implements sweep.Table.
func (s *ClaimsTable) DeleteEpisode(ctx context.Context, e sweep.Episode) error {
	return s.remove(ctx, episodeKey(decide.Ref{RuleID: e.RuleID, Key: e.Key}), "rev = :rev", nil, item{":rev": num(e.Rev)})
}

func (s *ClaimsTable) remove(ctx context.Context, key, condition string, names map[string]string, values item) error {
	err := s.wait.afterConflict(ctx, func() error {
		_, err := s.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &s.table, Key: item{pk: str(key)},
			ConditionExpression: &condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		})
		return err
	})
	if isConditionFailure(err) {
		err = loop.ErrFenced
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}
