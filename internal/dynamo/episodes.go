package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"example.com/unbroken/internal/decide"
	"example.com/unbroken/internal/loop"
)

// Episodes are the states of (rule, key) in `claims`, on which all regions agree.
type Episodes struct {
	api   API
	table string
	wait  wait
}

var _ decide.Episodes = (*Episodes)(nil)

// NewEpisodes returns the episodes as the region of api sees them.
func NewEpisodes(api API, prefix string) *Episodes {
	return &Episodes{api: api, table: loop.Name(prefix, loop.TableClaims), wait: jitter}
}

func episodeKey(ref decide.Ref) string {
	return "episode#" + ref.RuleID + "#" + loop.KeyHash(ref.Key)
}

// Get reads with strong consistency; the zero Rev where there is none.
func (s *Episodes) Get(ctx context.Context, ref decide.Ref) (decide.Episode, error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{pk: str(episodeKey(ref))}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return decide.Episode{}, fmt.Errorf("read episode of %s: %w", ref.RuleID, err)
	}
	e, err := readEpisode(out.Item) // no item reads as the zero episode
	e.Ref = ref
	if err != nil {
		return decide.Episode{}, fmt.Errorf("read episode of %s: %w", ref.RuleID, err)
	}
	return e, nil
}

func readEpisode(it item) (decide.Episode, error) {
	r := reader{item: it}
	e := decide.Episode{
		Ref: decide.Ref{RuleID: r.str("rule"), Key: r.str("key")}, N: r.num("n"), Rev: r.num("rev"), Open: r.str("state") == stateOpen,
		Last: loop.Position{Time: r.time("lastTime"), SignalKey: r.str("lastSignal")}, UpdatedAt: r.time("updatedAt"),
	}
	e.MovedAt = r.time("movedAt")
	r.json("transitions", &e.Transitions)
	r.json("flips", &e.Flips)
	r.json("firings", &e.Firings)
	r.json("group", &e.Group)
	return e, r.err
}

// States of an episode, in words for whoever looks into the table.
const (
	stateOpen   = "open"
	stateClosed = "closed"
)

// Put stores e with Rev+1 if the stored Rev is e.Rev; otherwise loop.ErrConflict. The SDK may send a write twice,
// so a conflict may be with oneself: the keeper reads after every error.
func (s *Episodes) Put(ctx context.Context, e decide.Episode) error {
	it := item{
		pk: str(episodeKey(e.Ref)), "rule": str(e.RuleID), "key": str(e.Key),
		"n": num(e.N), "rev": num(e.Rev + 1), "state": str(stateClosed), "lastSignal": str(e.Last.SignalKey),
	}
	if e.Open {
		it["state"] = str(stateOpen)
	}
	it.setTime("lastTime", e.Last.Time)
	it.setTime("updatedAt", e.UpdatedAt)
	it.setTime("movedAt", e.MovedAt)
	if err := it.setJSON("flips", e.Flips); err != nil {
		return fmt.Errorf("write episode of %s: %w", e.RuleID, err)
	}
	if err := it.setJSON("transitions", e.Transitions); err != nil {
		return fmt.Errorf("write episode of %s: %w", e.RuleID, err)
	}
	if len(e.Firings) > 0 {
		if err := it.setJSON("firings", e.Firings); err != nil {
			return fmt.Errorf("write episode of %s: %w", e.RuleID, err)
		}
	}
	if e.Group != nil {
		if err := it.setJSON("group", e.Group); err != nil {
			return fmt.Errorf("write group of %s: %w", e.RuleID, err)
		}
	}
	err := s.wait.putRevision(ctx, s.api, s.table, it, e.Rev)
	if err != nil {
		return fmt.Errorf("write episode of %s: %w", e.RuleID, err)
	}
	return nil
}
