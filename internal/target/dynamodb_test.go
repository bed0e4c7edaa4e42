package target

import (
	"context"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

func TestItemContentIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "1", "[1]", "null", "{} {}", "{", `{"pk":"a"}`, `{"unbroken_fence":"9"}`, `{"unbroken_effect":"x"}`} {
		f := &fakeDynamoDB{}
		e := example(loop.TargetDynamoDB)
		e.Request.Body = body
		if a := DynamoDB(only[DynamoDBAPI](f)).Deliver(t.Context(), e); a.Verdict != act.Refused || f.count() != 0 {
			t.Errorf("%q: verdict %d (%s), %d calls", body, a.Verdict, a.Evidence, f.count())
		}
	}
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	item, err := attributes(`{"n":12345678901234567890.123,"l":[true,null,{"a":"b"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if n := item["n"].(*ddbtypes.AttributeValueMemberN).Value; n != "12345678901234567890.123" {
		t.Errorf("n is %s", n)
	}
	list := item["l"].(*ddbtypes.AttributeValueMemberL).Value
	if _, null := list[1].(*ddbtypes.AttributeValueMemberNULL); !list[0].(*ddbtypes.AttributeValueMemberBOOL).Value || !null ||
		list[2].(*ddbtypes.AttributeValueMemberM).Value["a"].(*ddbtypes.AttributeValueMemberS).Value != "b" {
		t.Errorf("l is %v", list)
	}
}

type fails struct {
	item map[string]ddbtypes.AttributeValue
}

func (f fails) PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return nil, answeredAs(http.StatusBadRequest, &ddbtypes.ConditionalCheckFailedException{Item: f.item})
}

func TestForeignFenceIsNotOverwritten(t *testing.T) {
	t.Parallel()
	foreign := fails{map[string]ddbtypes.AttributeValue{loop.AttributeFence: &ddbtypes.AttributeValueMemberN{Value: "7"}}}
	if a := DynamoDB(only[DynamoDBAPI](foreign)).Deliver(t.Context(), example(loop.TargetDynamoDB)); a.Verdict != act.Refused {
		t.Errorf("verdict %d (%s)", a.Verdict, a.Evidence)
	}
}

type attributesSeen struct{ got *sns.PublishInput }

func (s *attributesSeen) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	s.got = in
	return &sns.PublishOutput{}, nil
}

func TestMessageCarriesTheEffectsID(t *testing.T) {
	t.Parallel()
	api := &attributesSeen{}
	e := example(loop.TargetSNS)
	e.Request.Headers = map[string]string{"attribute.team": "shop", "subject": "s"}
	SNS(only[SNSAPI](api)).Deliver(t.Context(), e)
	a := api.got.MessageAttributes
	if len(a) != 2 || *a[loop.AttributeEffect].StringValue != e.ID || *a["team"].StringValue != "shop" || *api.got.Subject != "s" {
		t.Errorf("attributes %v", a)
	}
}
