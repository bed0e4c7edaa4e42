package dynamo

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"example.com/unbroken/internal/loop"
)

func sampleOutput(value string) loop.Output {
	return loop.Output{
		Key: strings.Repeat("k", loop.MaxOutputKeyBytes), Value: json.RawMessage(value), ContentType: loop.ContentJSON,
		Fence:  loop.SignalFence(loop.Position{Time: time.Unix(0, 0), SignalKey: loop.SignalKey("s", "1")}),
		Origin: "ap-southeast-2", EffectID: loop.EffectID("d", "s"), RuleID: strings.Repeat("r", 64), WrittenAt: time.Unix(1, 1).UTC(),
	}
}

func outputsOver(api API, regions ...string) *Outputs {
	return NewOutputs(api, "p", regions[0], regions)
}

// The budget of an effect is one write to `outputs`: history, and whatever the write finds, must not cost another.
func TestAnOutputIsOneWriteCall(t *testing.T) {
	t.Parallel()
	o := sampleOutput(`1`)
	standing, err := outputsOver(nil, "a").update(o)
	if err != nil {
		t.Fatal(err)
	}
	item := map[string]types.AttributeValue{}
	for name, attribute := range standing.ExpressionAttributeNames {
		item[attribute] = standing.ExpressionAttributeValues[":"+strings.TrimPrefix(name, "#")]
	}
	newer := map[string]types.AttributeValue{"fence": str("z"), "effectID": str("e")}
	for name, c := range map[string]struct {
		answer, want error
	}{
		"first":            {nil, nil},
		"repeated":         {&types.ConditionalCheckFailedException{Item: item}, nil},
		"a newer stands":   {&types.ConditionalCheckFailedException{Item: newer}, loop.ErrFenced},
		"nothing is shown": {&types.ConditionalCheckFailedException{}, loop.ErrFenced},
		"down":             {errDown, errDown},
	} {
		calls := 0
		api := fake{update: func(in *dynamodb.UpdateItemInput) error {
			calls++
			if in.ReturnValuesOnConditionCheckFailure != types.ReturnValuesOnConditionCheckFailureAllOld {
				t.Error("what stands would cost a read")
			}
			return c.answer
		}}
		if err := outputsOver(api, "a").Write(t.Context(), o); !errors.Is(err, c.want) || calls != 1 {
			t.Errorf("%s: %v after %d calls", name, err, calls)
		}
	}
}

// The largest output after the largest earlier ones must still be one that DynamoDB takes.
func TestTheFullestItemStaysBelowTheLimit(t *testing.T) {
	t.Parallel()
	largest, err := outputsOver(nil, "ap-southeast-2").update(sampleOutput(`"` + strings.Repeat("x", loop.MaxRequestBytes-2) + `"`))
	if err != nil {
		t.Fatal(err)
	}
	earlier, err := outputsOver(nil, "ap-southeast-2").update(sampleOutput(`"` + strings.Repeat("x", loop.MaxEarlierBytes-2) + `"`))
	if err != nil {
		t.Fatal(err)
	}
	item := map[string]types.AttributeValue{}
	for name, v := range largest.Key {
		item[name] = v
	}
	for name, attribute := range largest.ExpressionAttributeNames {
		item[attribute] = largest.ExpressionAttributeValues[":"+strings.TrimPrefix(name, "#")]
	}
	for i := range loop.MaxOutputVersions {
		item[fmt.Sprintf("%s%d", slot, i)] = earlier.ExpressionAttributeValues[":"+kept]
	}
	if n := size(t, item); n > 400_000 {
		t.Errorf("%d bytes", n)
	}
	if n := len(text(t, largest.Key[pk])); n > 2048 {
		t.Errorf("a partition key of %d bytes", n)
	}
	if len(*largest.UpdateExpression) > 4096 {
		t.Errorf("an expression of %d bytes", len(*largest.UpdateExpression))
	}
}

func TestAListReadsInBatchesOfAHundred(t *testing.T) {
	t.Parallel()
	var batches []int
	api := fake{
		query: func(in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
			out := &dynamodb.QueryOutput{}
			for i := range *in.Limit {
				out.Items = append(out.Items, item{loop.IndexRange: str(fmt.Sprintf("k%03d", i))})
			}
			return out, nil
		},
		batchGet: func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
			ask := in.RequestItems["p-outputs"]
			batches = append(batches, len(ask.Keys))
			if *ask.ConsistentRead || strings.Contains(*ask.ProjectionExpression, "value") {
				t.Errorf("asked for %+v", ask)
			}
			return &dynamodb.BatchGetItemOutput{}, nil
		},
	}
	page, next, err := outputsOver(api, "a", "b").List(t.Context(), "k", "", 75)
	if err != nil || len(page) != 0 || next != "" || !slices.Equal(batches, []int{100, 50}) {
		t.Errorf("%v, %q, %v; batches %v", page, next, err, batches)
	}
}

// A region that has more says nothing about what follows: what another region has beyond it must wait.
func TestAPageEndsWhereARegionsKnowledgeEnds(t *testing.T) {
	t.Parallel()
	var read []string
	api := fake{
		query: func(in *dynamodb.QueryInput) (*dynamodb.QueryOutput, error) {
			if text(t, in.ExpressionAttributeValues[":listed"]) == "out#a" { // cut short by DynamoDB
				return &dynamodb.QueryOutput{Items: []map[string]types.AttributeValue{{loop.IndexRange: str("k1")}}, LastEvaluatedKey: item{pk: str("x")}}, nil
			}
			return &dynamodb.QueryOutput{Items: []map[string]types.AttributeValue{{loop.IndexRange: str("k0")}, {loop.IndexRange: str("k9")}}}, nil
		},
		batchGet: func(in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
			for _, k := range in.RequestItems["p-outputs"].Keys {
				read = append(read, text(t, k[pk]))
			}
			return &dynamodb.BatchGetItemOutput{}, nil
		},
	}
	_, next, err := outputsOver(api, "a", "b").List(t.Context(), "k", "", 10)
	if err != nil || next != "k1" || !slices.Equal(read, []string{"out#a#k0", "out#b#k0", "out#a#k1", "out#b#k1"}) {
		t.Errorf("next %q, %v, read %q", next, err, read)
	}
}

func TestAnOutputFromBeforeContentTypesIsJSON(t *testing.T) {
	t.Parallel()
	if o, err := readOutput(item{"key": str("k"), "value": str("1")}); err != nil || o.ContentType != loop.ContentJSON {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestAFailingQueryIsNotAnEmptyList(t *testing.T) {
	t.Parallel()
	api := fake{query: func(*dynamodb.QueryInput) (*dynamodb.QueryOutput, error) { return nil, errDown }}
	if _, _, err := outputsOver(api, "a").List(t.Context(), "k", "", 1); !errors.Is(err, errDown) {
		t.Error(err)
	}
}

// What rule lets pass, the table of claims must take, were it noise that no compression makes shorter.
func TestTheLargestEffectFitsItsClaim(t *testing.T) {
	t.Parallel()
	noise := make([]byte, loop.MaxEffectBytes-4096)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte('#' + random.IntN(90)) // printable, and no quote
	}
	body := strings.ReplaceAll(string(noise), `\`, "x")
	c := loop.Claim{
		EffectID: loop.H("e"), Status: loop.StatusParked, Owner: "ap-southeast-2/" + strings.Repeat("f", 24), Token: 1 << 60, Attempt: 1 << 30,
		Deadline: time.Unix(1, 1), NotBefore: time.Unix(1, 1), AcceptedAt: time.Unix(1, 1), UpdatedAt: time.Unix(1, 1), Evidence: strings.Repeat("e", 4096),
		Effect: loop.Effect{ID: loop.H("e"), RuleID: strings.Repeat("r", 64), Action: strings.Repeat("a", 64), Request: &loop.Request{Body: body}},
	}
	if b, err := loop.Marshal(c.Effect); err != nil || len(b) > loop.MaxEffectBytes {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	it, err := claimItem(c)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range it {
		if _, ok := v.(*types.AttributeValueMemberN); ok {
			it[name] = str(strings.Repeat("9", 21)) // at most so many bytes
		}
	}
	if n := size(t, it); n > 400<<10 {
		t.Errorf("%d bytes", n)
	}
}
