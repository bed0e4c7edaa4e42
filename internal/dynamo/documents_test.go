package dynamo

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/observe"
	"example.com/unbroken/internal/outputs"
	"example.com/unbroken/internal/region"
)

// size is an item's in bytes, as DynamoDB counts it: names and values.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func size(t *testing.T, it item) (n int) {
	t.Helper()
	for name, v := range it {
		n += len(name)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			n += len(v.Value)
		case *types.AttributeValueMemberN:
			n += len(v.Value)/2 + 1
		case *types.AttributeValueMemberB:
			n += len(v.Value)
		default:
			t.Fatalf("%s is a %T", name, v)
		}
	}
	return n
}

// verdictAt is one in which every check has its own times and its own value.
func verdictAt(at time.Time) observe.Verdict {
	v := observe.Verdict{Region: "us-west-2", Observer: "us-east-1", At: at, Healthy: true, Since: at.Add(-100 * time.Hour)}
	for i, name := range []string{
		"endpoint", "canary", "inbox-dlq", "signals-dlq", "actions-dlq", "signals-age", "signals-growth", "signals-failing",
		"actions-age", "actions-growth", "actions-failing", "decide-throttles", "act-throttles",
	} {
		since := at.Add(-time.Duration(i) * 1234567891234)
		v.Checks = append(v.Checks, observe.Check{
			Name: name, State: observe.OK, Value: fmt.Sprintf("%d of %d", i*i, 1000+37*i), Since: since, At: since.Add(time.Minute),
		})
	}
	return v
}

func TestAVerdictTakesOneUnitToWriteAndThreeOneToRead(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 891_234_567, time.UTC)
	var stored []item
	s := NewDocuments(func(string) API {
		return fake{put: func(in *dynamodb.PutItemInput) error {
			stored = append(stored, in.Item)
			return nil
		}, query: func(*dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
			out := &dynamodb.QueryOutput{}
			for _, it := range stored {
				out.Items = append(out.Items, it)
			}
			return out, nil
		}}
	}, "p", func() time.Time { return at })
	all := 0
	for _, observer := range []string{"us-east-1", "us-east-2", "us-west-2"} {
		if err := s.Put(t.Context(), "us-west-2", "verdict#us-west-2", observer, verdictAt(at), time.Hour); err != nil {
			t.Fatal(err)
		}
		n := size(t, stored[len(stored)-1])
		if all += n; n > 1024 {
			t.Errorf("a verdict has %d bytes", n)
		}
	}
	if all > 4096 {
		t.Errorf("three have %d", all)
	}
	docs, err := s.Query(t.Context(), "us-west-2", "verdict#us-west-2")
	var back observe.Verdict
	if err != nil || len(docs) != 3 || json.Unmarshal(docs["us-east-1"], &back) != nil || fmt.Sprint(back) != fmt.Sprint(verdictAt(at)) {
		t.Errorf("read as %v, %v", back, err)
	}
	if err := s.Put(t.Context(), "us-west-2", "state#us-west-2", "us-east-1", map[string]string{"state": "active"}, 0); err != nil {
		t.Fatal(err)
	}
	if _, ok := stored[3]["doc"].(*types.AttributeValueMemberS); !ok {
		t.Errorf("a short document is stored as %T: nobody can read it in the console", stored[3]["doc"])
	}
}

// What another version wrote in a form of its own is missing data, and takes nothing else with it: health would refuse in
// every region, and neither observers nor operators could flip any.
func TestOneDocumentThatCannotBeReadIsMissing(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for name, bad := range map[string]item{
		"packed in another way": {"doc": &types.AttributeValueMemberB{Value: []byte{0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3}}},
		"packed in part":        {"doc": &types.AttributeValueMemberB{Value: []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1}}},
		"no JSON":               {"doc": str("{")},
		"a map":                 {"doc": &types.AttributeValueMemberM{}},
		"kept until some day":   {"doc": str("{}"), "ttl": str("some day")},
		"nothing":               {},
	} {
		bad[pk], bad[sk] = str("x"), str("us-east-1")
		var down error
		docs := NewDocuments(func(string) API {
			return fake{query: func(in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
				out := &dynamodb.QueryOutput{}
				switch text(t, in.ExpressionAttributeValues[":pk"]) {
				case region.VerdictKey("us-west-2"):
					out.Items = append(out.Items, bad, item{pk: str("x"), sk: str("us-east-2"), "doc": str(`{"healthy":true}`)})
				case loop.ReceiptKey("us-west-2"):
					out.Items = append(out.Items, item{pk: str("x"), sk: str("http"), "doc": str(`{"landedAt":"2026-03-04T05:06:00Z"}`)})
				}
				return out, down
			}}
		}, "p", func() time.Time { return at })
		all, err := docs.Query(t.Context(), "us-west-2", region.VerdictKey("us-west-2"))
		if unread, there := all["us-east-1"]; err != nil || len(all) != 2 || !there || unread != nil || string(all["us-east-2"]) != `{"healthy":true}` {
			t.Errorf("%s: %s, %v", name, all, err)
		}
		health := func() bool {
			return (&outputs.Health{
				Region: "us-west-2", Reader: region.Reader{Docs: docs, Loop: []string{"us-west-2", "us-east-2"}}, Canaries: []string{"http"},
				Now: func() time.Time { return at },
			}).Fit(t.Context())
		}
		if !health() {
			t.Errorf("%s: the region refuses", name)
		}
		down = errors.New("DynamoDB is down")
		if _, err := docs.Query(t.Context(), "us-west-2", region.VerdictKey("us-west-2")); !errors.Is(err, down) || health() {
			t.Errorf("%s, and the service fails: %v", name, err)
		}
	}
}
