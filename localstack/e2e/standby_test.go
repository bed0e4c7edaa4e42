//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"example.com/unbroken/client"
	"example.com/unbroken/internal/dynamo"
	"example.com/unbroken/internal/loop"
	"example.com/unbroken/localstack/local"
)

const alarmTopic = "shop-alarms"

// topic makes the topic that the alarms of somebody else notify; it is there before the loop is.
func topic(ctx context.Context, w *local.World) error {
	_, err := sns.NewFromConfig(w.AWS(east)).CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(alarmTopic)})
	return err
}

// effects waits for n effects under a path of the receiver, and returns their requests by webhook-id when nothing is
// under way any more.
func effects(t *testing.T, limit time.Duration, path string, n int) map[string]int {
	t.Helper()
	var counts map[string]int
	ask := func(ctx context.Context) (err error) {
		if counts, err = received(ctx, path); err == nil && len(counts) < n {
			err = fmt.Errorf("%d of %d effects under %s", len(counts), n, path)
		}
		return err
	}
	until(t, limit, ask)
	drained(t, 60*time.Second, east, west)
	if err := ask(t.Context()); err != nil || len(counts) != n {
		t.Fatalf("%d effects under %s, want %d (%v): %v", len(counts), path, n, err, counts)
	}
	return counts
}

// A change of somebody else's alarm comes by a topic and by EventBridge, and is one signal. Both are said here in
// CloudWatch's words: the emulator's own notification lacks the alarm's ARN, and it takes no event from aws.cloudwatch.
func TestAnAlarmOfSomebodyElseIsOneSignal(t *testing.T) {
	name, at := t.Name(), time.Now().UTC().Truncate(time.Millisecond)
	arn, stamp := "arn:aws:cloudwatch:"+east+":"+local.Account+":alarm:"+name, at.Format("2006-01-02T15:04:05.000+0000")
	notification := fmt.Sprintf(`{"AlarmName":%q,"AlarmArn":%q,"NewStateValue":"ALARM","OldStateValue":"OK","NewStateReason":"Threshold Crossed","StateChangeTime":%q}`, name, arn, stamp)
	_, err := sns.NewFromConfig(suite.AWS(east)).Publish(t.Context(), &sns.PublishInput{
		TopicArn: aws.String("arn:aws:sns:" + east + ":" + local.Account + ":" + alarmTopic), Message: &notification,
	})
	if err != nil {
		t.Fatal(err)
	}
	effects(t, time.Minute, "/alarmed/"+name, 1)
	event := fmt.Sprintf(`{"version":"0","id":"1","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch","account":%q,"time":%q,"region":%q,"resources":[%q],
		"detail":{"alarmName":%q,"previousState":{"value":"OK"},"state":{"reason":"Threshold Crossed","timestamp":%q,"value":"ALARM"}}}`,
		local.Account, at.Format(time.RFC3339), east, arn, name, stamp)
	out, err := lambda.NewFromConfig(suite.AWS(east)).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(loop.Name(prefix, loop.FuncIngestAlarm)), Payload: []byte(event)})
	if err != nil || out.FunctionError != nil {
		t.Fatalf("%v: %s", err, out.Payload)
	}
	for id, n := range effects(t, time.Minute, "/alarmed/"+name, 1) {
		single(t, id, n)
	}
}

// An input that nobody sends to is stalled, its standby takes over in time, and what both bring is one signal.
func TestAStandbyTakesOverFromAStalledInput(t *testing.T) {
	const every = time.Minute // expect_every of the input
	records := dynamo.NewRecords(dynamo.Clients(suite.AWS(west))(west), prefix)
	var w loop.Watched
	until(t, 4*time.Minute, func(ctx context.Context) error {
		raw, _, err := records.Load(ctx, loop.WatchedKey("pushed"))
		if err == nil && raw != nil {
			err = json.Unmarshal(raw, &w)
		}
		if err == nil && !w.Stalled {
			err = fmt.Errorf("it is not stalled yet: %+v", w)
		}
		return err
	})
	if took := w.Since.Sub(w.Began); took < 2*every || took > 3*every+time.Minute {
		t.Errorf("the standby took over after %s of silence", took)
	} else {
		t.Logf("the standby took over after %s of silence; %s are allowed", took.Round(time.Second), 3*every+time.Minute)
	}
	effects(t, time.Minute, "/stalled/pushed", 1) // rules see the switch

	// Measured while nobody read: the standby reads back. Both regions' pollers run, and one reads.
	at := time.Now().UTC().Truncate(every).Add(-3 * every)
	_, err := cloudwatch.NewFromConfig(suite.AWS(east)).PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("Shop"), MetricData: []types.MetricDatum{{
			MetricName: aws.String("Errors"), Value: aws.Float64(7), Timestamp: aws.Time(at), Dimensions: []types.Dimension{{Name: aws.String("Service"), Value: aws.String("cart")}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	until(t, 2*time.Minute, func(ctx context.Context) error { // a turn of this minute may be over
		for _, region := range []string{east, west} {
			if err := suite.Invoke(ctx, region, loop.Name(prefix, loop.FuncIngestPoll)); err != nil {
				return err
			}
		}
		counts, err := received(ctx, "/measured/errors")
		if err == nil && len(counts) == 0 {
			err = fmt.Errorf("nothing came of the value at %s", at)
		}
		return err
	})
	// The pushed input is back, and brings what the standby brought: named by what was measured, it is the same signal.
	send(t, west, "pushed", client.Signal{
		ID: "errors/" + at.Format(time.RFC3339), Source: "cloudwatch/shop", Type: "com.amazonaws.cloudwatch.metric", Subject: "errors",
		Time: at.Add(every), Data: json.RawMessage(`{"value": 7}`),
	})
	for id, n := range effects(t, time.Minute, "/measured/errors", 1) {
		single(t, id, n)
	}
}
