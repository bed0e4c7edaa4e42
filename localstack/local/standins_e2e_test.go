//go:build e2e && linux

package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53 "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"example.com/unbroken/localstack/edge"
	"example.com/unbroken/localstack/local"
)

// What a function logs becomes a metric, and the metric an alarm: of its dimension, and of no other.
func TestALoggedMetricRaisesItsAlarm(t *testing.T) {
	t.Parallel()
	w := hurried(t, 60)
	watch := cloudwatch.NewFromConfig(w.AWS(east))
	for _, function := range []string{"f", "g"} {
		if _, err := watch.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
			AlarmName: aws.String(function), Namespace: aws.String("Test"), MetricName: aws.String("Bad"), Statistic: types.StatisticSum,
			Dimensions: []types.Dimension{{Name: aws.String("Function"), Value: aws.String(function)}}, Period: aws.Int32(60),
			EvaluationPeriods: aws.Int32(5), DatapointsToAlarm: aws.Int32(1), Threshold: aws.Float64(6),
			ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, TreatMissingData: aws.String("notBreaching"),
		}); err != nil {
			t.Fatal(err)
		}
	}
	// Two minutes ago, so that its minute is over.
	line := fmt.Sprintf(`{"Function":"f","Bad":7,"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"Test","Dimensions":[["Function"]],"Metrics":[{"Name":"Bad"}]}]}}`,
		time.Now().Add(-2*time.Minute).UnixMilli())
	payload, err := json.Marshal(map[string]string{"to": east, "queue": "none", "print": line})
	if err != nil {
		t.Fatal(err)
	}
	invoke(t, w, payload)
	states(t, watch, map[string]types.StateValue{"f": types.StateValueAlarm, "g": types.StateValueOk})

	sum(t, watch, "Test", "Bad", "Function", "f", 7)
	sum(t, watch, "AWS/Lambda", "Invocations", "FunctionName", "f", 1)
	sum(t, watch, "AWS/Lambda", "Errors", "FunctionName", "f", 0)
}

func states(t *testing.T, watch *cloudwatch.Client, want map[string]types.StateValue) {
	t.Helper()
	eventually(t, time.Minute, fmt.Sprint("alarms ", want), func(ctx context.Context) bool {
		out, err := watch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
		if err != nil { // the emulator cuts an answer short now and then: asked again
			t.Log(err)
			return false
		}
		n := 0
		for _, a := range out.MetricAlarms {
			if want[*a.AlarmName] == a.StateValue {
				n++
			}
		}
		return n == len(want)
	})
}

// sum adds up all there is of a metric.
func sum(t *testing.T, watch *cloudwatch.Client, namespace, metric, dimension, value string, want float64) {
	t.Helper()
	out, err := watch.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String(namespace), MetricName: aws.String(metric), Statistics: []types.Statistic{types.StatisticSum},
		Dimensions: []types.Dimension{{Name: aws.String(dimension), Value: aws.String(value)}},
		Period:     aws.Int32(3600), StartTime: aws.Time(time.Now().Add(-2 * time.Hour)), EndTime: aws.Time(time.Now().Add(time.Hour)),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := 0.0
	for _, p := range out.Datapoints {
		got += *p.Sum
	}
	if len(out.Datapoints) == 0 || got != want {
		t.Errorf("%s %s of %s: %v in %d hours, want %v", namespace, metric, value, got, len(out.Datapoints), want)
	}
}

// A queue's depth is measured through the edge, in its region and under the stand-in's name.
func TestQueuesAreMeasured(t *testing.T) {
	t.Parallel()
	w := hurried(t, 120)
	queues, watch := sqs.NewFromConfig(w.AWS(west)), cloudwatch.NewFromConfig(direct(w, west))
	if _, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")}); err != nil {
		t.Fatal(err)
	}
	measured := func(since time.Time) []types.Datapoint {
		out, err := watch.GetMetricStatistics(t.Context(), &cloudwatch.GetMetricStatisticsInput{
			Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateNumberOfMessagesVisible"),
			Statistics: []types.Statistic{types.StatisticMaximum}, Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String("q")}},
			Period: aws.Int32(1), StartTime: aws.Time(since), EndTime: aws.Time(time.Now().Add(time.Minute)),
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Datapoints
	}
	began := time.Now().Add(-time.Minute)
	if _, err := queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue(west, "q"), MessageBody: aws.String("one")}); err != nil {
		t.Fatal(err)
	}
	deep := func(p types.Datapoint) bool { return *p.Maximum == 1 }
	eventually(t, time.Minute, "a depth of 1", func(context.Context) bool { return slices.ContainsFunc(measured(began), deep) })

	calls, err := w.Edge().Calls(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(calls, func(c edge.Count) bool {
		return c.Caller == local.StandIn && c.Function == "sqsmetrics" && c.Operation == "PutMetricData" && c.Region == west
	}) {
		t.Errorf("the edge does not tell who measured: %+v", calls)
	}
}

// The emulator as it comes loses the children.
func TestACalculatedHealthCheckKeepsItsChildren(t *testing.T) {
	t.Parallel()
	w := start(t)
	dns := route53.NewFromConfig(w.AWS(witness))
	want := []string{"a", "b"}
	created, err := dns.CreateHealthCheck(t.Context(), &route53.CreateHealthCheckInput{
		CallerReference: aws.String("one"),
		HealthCheckConfig: &r53.HealthCheckConfig{
			Type: r53.HealthCheckTypeCalculated, HealthThreshold: aws.Int32(1), ChildHealthChecks: want,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := dns.GetHealthCheck(t.Context(), &route53.GetHealthCheckInput{HealthCheckId: created.HealthCheck.Id})
	if err != nil || !slices.Equal(got.HealthCheck.HealthCheckConfig.ChildHealthChecks, want) {
		t.Errorf("%v %v", err, got)
	}
}
