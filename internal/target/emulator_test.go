package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/looptest"
)

// The suite runs over the real SDK clients and an emulator where AWS_ENDPOINT_URL names one. Lambda is left out,
// since what a function was given cannot be read back there, and AppConfig, whose versions do not compare there.

var resources atomic.Int64

// world is the emulator: admin prepares and looks, wire is what the target speaks through.
type world struct {
	t     *testing.T
	admin aws.Config
	cfg   aws.Config
	wire  *lossy
	name  string // of this test's resources
}

func emulator(t *testing.T) *world {
	t.Helper()
	if os.Getenv("AWS_ENDPOINT_URL") == "" {
		t.Skip("AWS_ENDPOINT_URL is not set: start the emulator and set it to run this against AWS's APIs")
	}
	cfg, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion(looptest.HereRegion))
	if err != nil {
		t.Fatal(err)
	}
	wire := whole{http.DefaultTransport}
	cfg.HTTPClient = &http.Client{Transport: wire}
	w := &world{t: t, admin: cfg, cfg: cfg.Copy(), wire: &lossy{client: wire}, name: fmt.Sprintf("t%d-%d", os.Getpid(), resources.Add(1))}
	w.cfg.HTTPClient = w.wire
	return w
}

// bench wires a target to the world; the bodies it holds are read by holds.
func (w *world) bench(name string, class loop.Class, r loop.Request, missing string, holds func(*testing.T) []string) looptest.TargetBench {
	return looptest.TargetBench{
		Target: All(w.cfg)[name], Class: class, Request: r, Missing: missing,
		Holds: holds, Arm: w.wire.arm, Calls: w.wire.count,
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) arn(service, resource string) string {
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, looptest.HereRegion, account, resource)
}

// queue makes a queue, and a way to read what has come to it so far.
func (w *world) queue(suffix string, body func(string) string) (arn string, holds func(*testing.T) []string) {
	client := sqs.NewFromConfig(w.admin)
	// A receive whose answer breaks off must not hide its messages from the next one.
	in := &sqs.CreateQueueInput{QueueName: aws.String(w.name + suffix), Attributes: map[string]string{
		string(sqstypes.QueueAttributeNameVisibilityTimeout): "0",
	}}
	if suffix == ".fifo" {
		in.Attributes[string(sqstypes.QueueAttributeNameFifoQueue)] = "true"
	}
	out, err := client.CreateQueue(w.t.Context(), in)
	w.must(err)
	w.t.Cleanup(func() {
		_, _ = client.DeleteQueue(context.WithoutCancel(w.t.Context()), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
	})
	var all []string
	return w.arn("sqs", *in.QueueName), func(t *testing.T) []string {
		t.Helper()
		// A message that is still on its way is waited for; that no second one follows is seen by the next look.
		for {
			got, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: out.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
			w.must(err)
			for _, m := range got.Messages {
				all = append(all, body(*m.Body))
				_, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: out.QueueUrl, ReceiptHandle: m.ReceiptHandle})
				w.must(err)
			}
			if len(got.Messages) == 0 {
				return all
			}
		}
	}
}

func asIs(s string) string { return s }

// member takes one member out of the envelope that SNS and EventBridge put around what they pass on.
func member(name string) func(string) string {
	return func(s string) string {
		var envelope map[string]json.RawMessage
		if json.Unmarshal([]byte(s), &envelope) != nil {
			return s
		}
		var text string
		if json.Unmarshal(envelope[name], &text) == nil {
			return text
		}
		return strings.Join(strings.Fields(string(envelope[name])), "")
	}
}

func emulatedSQS(suffix string, class loop.Class) func(*testing.T) looptest.TargetBench {
	return func(t *testing.T) looptest.TargetBench {
		w := emulator(t)
		arn, holds := w.queue(suffix, asIs)
		return w.bench(loop.TargetSQS, class, loop.Request{URL: arn, Headers: map[string]string{"group": "k"}}, w.arn("sqs", "none"+suffix), holds)
	}
}

func emulatedSNS(suffix string, class loop.Class) func(*testing.T) looptest.TargetBench {
	return func(t *testing.T) looptest.TargetBench {
		w := emulator(t)
		queue, holds := w.queue(suffix, member("Message"))
		in := &sns.CreateTopicInput{Name: aws.String(w.name + suffix)}
		if suffix == ".fifo" {
			in.Attributes = map[string]string{"FifoTopic": "true"}
		}
		client := sns.NewFromConfig(w.admin)
		out, err := client.CreateTopic(t.Context(), in)
		w.must(err)
		_, err = client.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: out.TopicArn, Protocol: aws.String("sqs"), Endpoint: &queue})
		w.must(err)
		return w.bench(loop.TargetSNS, class, loop.Request{URL: *out.TopicArn, Headers: map[string]string{"group": "k"}}, w.arn("sns", "none"+suffix), holds)
	}
}

func emulatedEventBridge(t *testing.T) looptest.TargetBench {
	w := emulator(t)
	queue, holds := w.queue("", member("detail"))
	client := eventbridge.NewFromConfig(w.admin)
	_, err := client.CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: &w.name})
	w.must(err)
	_, err = client.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &w.name, EventBusName: &w.name, EventPattern: aws.String(`{"source":["unbroken"]}`)})
	w.must(err)
	_, err = client.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: &w.name, EventBusName: &w.name, Targets: []ebtypes.Target{{Id: aws.String("q"), Arn: &queue}},
	})
	w.must(err)
	// Without a bus of that name EventBridge takes the event and drops it: there is no missing resource to meet.
	return w.bench(loop.TargetEventBridge, loop.ClassOnce, loop.Request{
		URL: w.arn("events", "event-bus/"+w.name), Headers: map[string]string{"source": "unbroken", "detail_type": "t"},
	}, "", holds)
}

func emulatedStepFunctions(t *testing.T) looptest.TargetBench {
	w := emulator(t)
	client := sfn.NewFromConfig(w.admin)
	machine, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: &w.name, RoleArn: aws.String("arn:aws:iam::" + account + ":role/r"), Type: sfntypes.StateMachineTypeStandard,
		Definition: aws.String(`{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`),
	})
	w.must(err)
	return w.bench(loop.TargetStepFunctions, loop.ClassKeyed, loop.Request{URL: *machine.StateMachineArn}, w.arn("states", "stateMachine:none"), func(t *testing.T) []string {
		t.Helper()
		list, err := client.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: machine.StateMachineArn})
		w.must(err)
		var inputs []string
		for _, e := range list.Executions {
			one, err := client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: e.ExecutionArn})
			w.must(err)
			inputs = append(inputs, *one.Input)
		}
		return inputs
	})
}

func emulatedSSM(t *testing.T) looptest.TargetBench {
	w := emulator(t)
	w.wire.applies = func(r *http.Request) bool { return strings.HasSuffix(r.Header.Get("X-Amz-Target"), "PutParameter") }
	name := "/" + w.name + "/shed"
	client := ssm.NewFromConfig(w.admin)
	return w.bench(loop.TargetSSM, loop.ClassSet, loop.Request{URL: "ssm:" + name}, "", func(t *testing.T) []string {
		t.Helper()
		out, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name})
		if err != nil {
			return nil
		}
		return []string{*out.Parameter.Value}
	})
}

func emulatedDynamoDB(t *testing.T) looptest.TargetBench {
	w := emulator(t)
	client := dynamodb.NewFromConfig(w.admin)
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &w.name, BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("flag"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
		KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("flag"), KeyType: ddbtypes.KeyTypeHash}},
	})
	if _, again := errors.AsType[*ddbtypes.ResourceInUseException](err); !again { // the SDK may have tried twice
		w.must(err)
	}
	w.must(dynamodb.NewTableExistsWaiter(client).Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: &w.name}, time.Minute))
	t.Cleanup(func() {
		_, _ = client.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &w.name})
	})
	r := loop.Request{URL: "dynamodb://" + w.name + "/shed/k", Headers: map[string]string{"key_name": "flag"}}
	return w.bench(loop.TargetDynamoDB, loop.ClassFenced, r, "dynamodb://none/shed/k", func(t *testing.T) []string {
		t.Helper()
		out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName: &w.name, ConsistentRead: aws.Bool(true), Key: map[string]ddbtypes.AttributeValue{"flag": &ddbtypes.AttributeValueMemberS{Value: "shed/k"}},
		})
		w.must(err)
		return bodyOf(out.Item)
	})
}

func emulatedS3(t *testing.T) looptest.TargetBench {
	w := emulator(t)
	w.wire.applies = func(r *http.Request) bool { return r.Method == http.MethodPut }
	client := s3.NewFromConfig(w.admin)
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &w.name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
		LocationConstraint: s3types.BucketLocationConstraint(looptest.HereRegion),
	}})
	w.must(err)
	return w.bench(loop.TargetS3, loop.ClassFenced, loop.Request{URL: "s3://" + w.name + "/shed/k"}, "s3://none-"+w.name+"/shed/k", func(t *testing.T) []string {
		t.Helper()
		out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &w.name, Key: aws.String("shed/k")})
		if err != nil {
			return nil
		}
		body, err := io.ReadAll(out.Body)
		w.must(errors.Join(err, out.Body.Close()))
		return []string{string(body)}
	})
}

func emulatedAlarm(t *testing.T) looptest.TargetBench {
	w := emulator(t)
	w.wire.applies = func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "SetAlarmState") }
	client := cloudwatch.NewFromConfig(w.admin)
	_, err := client.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: &w.name, Namespace: aws.String("Shop"), MetricName: aws.String("none"), Statistic: cwtypes.StatisticSum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1),
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold, TreatMissingData: aws.String("ignore"),
	})
	w.must(err)
	r := loop.Request{URL: "alarm://" + w.name, Headers: map[string]string{"state": "ALARM"}}
	return w.bench(loop.TargetAlarm, loop.ClassSet, r, "alarm://none", func(t *testing.T) []string {
		t.Helper()
		out, err := client.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{w.name}})
		w.must(err)
		if out.MetricAlarms[0].StateValue != cwtypes.StateValueAlarm {
			return nil
		}
		return []string{*out.MetricAlarms[0].StateReason}
	})
}

func emulatedMetric(t *testing.T) looptest.TargetBench {
	w := emulator(t)
	client := cloudwatch.NewFromConfig(w.admin)
	r := loop.Request{URL: "metric://" + w.name, Headers: map[string]string{"metric": "m", "unit": "None", "dimension.a": "b"}}
	b := w.bench(loop.TargetMetric, loop.ClassOnce, r, "", func(t *testing.T) (all []string) {
		t.Helper()
		out, err := client.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: &w.name, MetricName: aws.String("m"), Dimensions: []cwtypes.Dimension{{Name: aws.String("a"), Value: aws.String("b")}},
			StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Hour)), Period: aws.Int32(7200),
			Statistics: []cwtypes.Statistic{cwtypes.StatisticSampleCount, cwtypes.StatisticMaximum},
		})
		w.must(err)
		for _, p := range out.Datapoints {
			for range int(*p.SampleCount) {
				all = append(all, fmt.Sprint(*p.Maximum))
			}
		}
		return all
	})
	b.Body = strconv.Itoa
	return b
}

func TestTargetsOverTheEmulator(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) looptest.TargetBench{
		"SQS": emulatedSQS("", loop.ClassOnce), "SQSFIFO": emulatedSQS(".fifo", loop.ClassKeyed),
		"SNS": emulatedSNS("", loop.ClassOnce), "SNSFIFO": emulatedSNS(".fifo", loop.ClassKeyed),
		"EventBridge": emulatedEventBridge, "StepFunctions": emulatedStepFunctions,
		"SSM": emulatedSSM, "DynamoDB": emulatedDynamoDB, "S3": emulatedS3,
		"Alarm": emulatedAlarm, "Metric": emulatedMetric,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			looptest.Targets(t, open)
		})
	}
}
