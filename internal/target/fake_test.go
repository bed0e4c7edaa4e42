package target

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/looptest"
)

// The resources of the fakes.
const (
	account  = "000000000000"
	topicARN = "arn:aws:sns:us-east-2:" + account + ":alerts"
	queueARN = "arn:aws:sqs:us-east-2:" + account + ":work"
	busARN   = "arn:aws:events:us-east-2:" + account + ":event-bus/ops"
	fnARN    = "arn:aws:lambda:us-east-2:" + account + ":function:restart"
	smARN    = "arn:aws:states:us-east-2:" + account + ":stateMachine:rollback"
)

// mailbox keeps what was sent, in order. A key that was seen before is dropped, as FIFO does within five minutes.
type mailbox struct {
	faults
	name string // of the only resource there is
	mu   sync.Mutex
	held []string
	seen map[string]bool
}

func (m *mailbox) take(ctx context.Context, name, body string, key *string) error {
	return m.around(ctx, func() error {
		if name != m.name {
			return answered(http.StatusNotFound, "NotFound")
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if key != nil {
			if m.seen[*key] {
				return nil
			}
			m.seen[*key] = true
		}
		m.held = append(m.held, body)
		return nil
	})
}

func (m *mailbox) holds(*testing.T) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.held)
}

type fakeSNS struct{ *mailbox }

func (f fakeSNS) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return &sns.PublishOutput{MessageId: aws.String("m")}, f.take(ctx, *in.TopicArn, *in.Message, in.MessageDeduplicationId)
}

type fakeSQS struct{ *mailbox }

func (f fakeSQS) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	return &sqs.SendMessageOutput{MessageId: aws.String("m")}, f.take(ctx, *in.QueueUrl, *in.MessageBody, in.MessageDeduplicationId)
}

type fakeEventBridge struct{ *mailbox }

func (f fakeEventBridge) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	e := in.Entries[0]
	if err := f.take(ctx, *e.EventBusName, *e.Detail, nil); err != nil {
		return nil, err
	}
	return &eventbridge.PutEventsOutput{Entries: []ebtypes.PutEventsResultEntry{{EventId: aws.String("e")}}}, nil
}

type fakeLambda struct{ *mailbox }

func (f fakeLambda) Invoke(ctx context.Context, in *lambda.InvokeInput, _ ...func(*lambda.Options)) (*lambda.InvokeOutput, error) {
	return &lambda.InvokeOutput{StatusCode: http.StatusAccepted}, f.take(ctx, *in.FunctionName, string(in.Payload), nil)
}

// fakeSFN knows executions that are over: a second start of a name is an error.
type fakeSFN struct{ *mailbox }

func (f fakeSFN) StartExecution(ctx context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
	f.mu.Lock()
	again := f.seen[*in.Name]
	f.mu.Unlock()
	if again {
		return nil, answeredAs(http.StatusBadRequest, &sfntypes.ExecutionAlreadyExists{})
	}
	return &sfn.StartExecutionOutput{ExecutionArn: aws.String("x")}, f.take(ctx, *in.StateMachineArn, *in.Input, in.Name)
}

// fakeSSM gives its history in pages of one version.
type fakeSSM struct {
	faults
	mu       sync.Mutex
	versions []ssmtypes.ParameterHistory
}

func (f *fakeSSM) GetParameterHistory(_ context.Context, in *ssm.GetParameterHistoryInput, _ ...func(*ssm.Options)) (*ssm.GetParameterHistoryOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.versions) == 0 {
		return nil, answeredAs(http.StatusBadRequest, &ssmtypes.ParameterNotFound{})
	}
	i := len(aws.ToString(in.NextToken))
	out := &ssm.GetParameterHistoryOutput{Parameters: f.versions[i : i+1]}
	if i+1 < len(f.versions) {
		out.NextToken = aws.String(aws.ToString(in.NextToken) + "x")
	}
	return out, nil
}

func (f *fakeSSM) PutParameter(ctx context.Context, in *ssm.PutParameterInput, _ ...func(*ssm.Options)) (*ssm.PutParameterOutput, error) {
	return &ssm.PutParameterOutput{}, f.around(ctx, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if (in.Type == "") != (len(f.versions) > 0) {
			return answered(http.StatusBadRequest, "ValidationException")
		}
		f.versions = append(f.versions, ssmtypes.ParameterHistory{Value: in.Value, Description: in.Description, Version: int64(len(f.versions) + 1)})
		return nil
	})
}

func (f *fakeSSM) holds(*testing.T) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.versions) == 0 {
		return nil
	}
	return []string{*f.versions[len(f.versions)-1].Value}
}

// fakeDynamoDB has one table with one item, and knows the one condition.
type fakeDynamoDB struct {
	faults
	mu   sync.Mutex
	item map[string]ddbtypes.AttributeValue
}

func (f *fakeDynamoDB) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return &dynamodb.PutItemOutput{}, f.around(ctx, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if *in.TableName != "flags" {
			return answeredAs(http.StatusBadRequest, &ddbtypes.ResourceNotFoundException{})
		}
		held, ok := f.item[loop.AttributeFence].(*ddbtypes.AttributeValueMemberS)
		if ok && held.Value >= in.ExpressionAttributeValues[":f"].(*ddbtypes.AttributeValueMemberS).Value {
			return answeredAs(http.StatusBadRequest, &ddbtypes.ConditionalCheckFailedException{Item: f.item})
		}
		f.item = in.Item
		return nil
	})
}

func (f *fakeDynamoDB) holds(*testing.T) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return bodyOf(f.item)
}

// bodyOf is the body that an item was made of.
func bodyOf(item map[string]ddbtypes.AttributeValue) []string {
	if item == nil {
		return nil
	}
	b, _ := json.Marshal(map[string]any{
		"n": json.Number(item["n"].(*ddbtypes.AttributeValueMemberN).Value), "word": item["word"].(*ddbtypes.AttributeValueMemberS).Value,
	})
	return []string{string(b)}
}

func only[C any](c C) Clients[C] { return func(string) C { return c } }

// fakes are a bench for every target, in memory.
func fakes() map[string]func() looptest.TargetBench {
	mail := func(class loop.Class, url, name string, make func(*mailbox) act.Target) func() looptest.TargetBench {
		return func() looptest.TargetBench {
			m := &mailbox{name: name, seen: map[string]bool{}}
			return looptest.TargetBench{
				Target: make(m), Class: class, Request: loop.Request{URL: url, Headers: map[string]string{"group": "k"}},
				Missing: url[:len(url)-1] + "x", Holds: m.holds, Arm: m.arm, Calls: m.count,
			}
		}
	}
	ns := func(m *mailbox) act.Target { return SNS(only[SNSAPI](fakeSNS{m})) }
	qs := func(m *mailbox) act.Target { return SQS(only[SQSAPI](fakeSQS{m})) }
	const queueURL = "https://sqs.us-east-2.amazonaws.com/" + account + "/work"
	return map[string]func() looptest.TargetBench{
		"SNS":           mail(loop.ClassOnce, topicARN, topicARN, ns),
		"SNSFIFO":       mail(loop.ClassKeyed, topicARN+".fifo", topicARN+".fifo", ns),
		"SQS":           mail(loop.ClassOnce, queueARN, queueURL, qs),
		"SQSFIFO":       mail(loop.ClassKeyed, queueARN+".fifo", queueURL+".fifo", qs),
		"EventBridge":   mail(loop.ClassOnce, busARN, busARN, func(m *mailbox) act.Target { return EventBridge(only[EventBridgeAPI](fakeEventBridge{m})) }),
		"Lambda":        mail(loop.ClassOnce, fnARN, fnARN, func(m *mailbox) act.Target { return Lambda(only[LambdaAPI](fakeLambda{m})) }),
		"StepFunctions": mail(loop.ClassKeyed, smARN, smARN, func(m *mailbox) act.Target { return StepFunctions(only[StepFunctionsAPI](fakeSFN{m})) }),
		"SSM": func() looptest.TargetBench {
			f := &fakeSSM{}
			return looptest.TargetBench{
				Target: SSM(only[SSMAPI](f)), Class: loop.ClassSet, Request: loop.Request{URL: "ssm:/shed/k"},
				Holds: f.holds, Arm: f.arm, Calls: f.count,
			}
		},
		"DynamoDB": func() looptest.TargetBench {
			f := &fakeDynamoDB{}
			return looptest.TargetBench{
				Target: DynamoDB(only[DynamoDBAPI](f)), Class: loop.ClassFenced,
				Request: loop.Request{URL: "dynamodb://flags/shed/k", Headers: map[string]string{"key_name": "pk"}},
				Missing: "dynamodb://none/shed/k", Holds: f.holds, Arm: f.arm, Calls: f.count,
			}
		},
		"S3": func() looptest.TargetBench {
			f := &fakeS3{}
			return shelved(S3(only[S3API](f)), loop.ClassFenced, "s3://flags/shed/k", "s3://none/shed/k", &f.shelf)
		},
		"AppConfig": func() looptest.TargetBench {
			f := &fakeAppConfig{shelf: shelf{version: 1}}
			return shelved(AppConfig(only[AppConfigAPI](f)), loop.ClassFenced, "appconfig://abc1234/def5678", "appconfig://abc1234/none", &f.shelf)
		},
		"Alarm": func() looptest.TargetBench {
			f := &fakeAlarm{}
			return shelved(Alarm(only[AlarmAPI](f)), loop.ClassSet, "alarm://errors", "alarm://none", &f.shelf)
		},
		"Metric": func() looptest.TargetBench {
			m := &mailbox{name: "Shop"}
			return looptest.TargetBench{
				Target: Metric(only[MetricAPI](fakeMetric{m})), Class: loop.ClassOnce, Body: strconv.Itoa,
				Request: loop.Request{URL: "metric://Shop", Headers: map[string]string{"metric": "m", "dimension.a": "b"}},
				Holds:   m.holds, Arm: m.arm, Calls: m.count,
			}
		},
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for name, open := range fakes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			looptest.Targets(t, func(*testing.T) looptest.TargetBench { return open() })
		})
	}
}
