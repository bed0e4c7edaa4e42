package sqsmetrics

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func ago(s int) time.Time { return noon.Add(-time.Duration(s) * time.Second) }

func TestMeasure(t *testing.T) {
	t.Parallel()
	future := noon.Add(time.Minute)
	for name, tc := range map[string]struct {
		messages []Message
		want     Depths
	}{
		"empty":     {nil, Depths{}},
		"visible":   {[]Message{{Sent: ago(30), VisibleAt: ago(30)}, {Sent: ago(90), VisibleAt: noon}}, Depths{Visible: 2, Oldest: 90 * time.Second}},
		"delayed":   {[]Message{{Sent: ago(5), VisibleAt: future}}, Depths{Delayed: 1, Oldest: 5 * time.Second}},
		"in flight": {[]Message{{Sent: ago(7), VisibleAt: future, Received: 1}}, Depths{NotVisible: 1, Oldest: 7 * time.Second}},
		"poison hides behind a younger message": {
			[]Message{{Sent: ago(900), VisibleAt: future, Received: 3}, {Sent: ago(20), VisibleAt: noon, Received: 2}},
			Depths{Visible: 1, NotVisible: 1, Oldest: 20 * time.Second},
		},
		"poison alone has no age":                {[]Message{{Sent: ago(900), VisibleAt: noon, Received: 17}}, Depths{Visible: 1}},
		"a dead letter's age is since its move":  {[]Message{{ID: "d", Sent: ago(900), VisibleAt: noon, Received: 5, DeadLettered: true}}, Depths{Visible: 1, Oldest: 40 * time.Second}},
		"one that we sent there is as old as it": {[]Message{{Sent: ago(900), VisibleAt: noon}}, Depths{Visible: 1, Oldest: 900 * time.Second}},
	} {
		if got := Measure(tc.messages, func(string) time.Time { return ago(40) }, noon); got != tc.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tc.want)
		}
	}
}

type put map[string]float64

func (p put) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	for _, d := range in.MetricData {
		p[*in.Namespace+"/"+*d.MetricName+"/"+*d.Dimensions[0].Value] = *d.Value
	}
	return &cloudwatch.PutMetricDataOutput{}, nil
}

func TestEveryQueueOfTheRegionIsMeasured(t *testing.T) {
	t.Parallel()
	dead := fmt.Sprintf(`{"MessageId":"d","SentTimestamp":%d,"VisibleAt":%d,"IsVisible":true,"ReceiveCount":5,"Attributes":{"DeadLetterQueueSourceArn":"q"}}`, ago(500).Unix(), ago(500).Unix())
	held := fmt.Sprintf(`{"MessageId":"h","SentTimestamp":%d,"VisibleAt":%d,"IsVisible":false,"ReceiveCount":1}`, ago(60).Unix(), noon.Unix())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("region") != "eu-west-1" {
			t.Errorf("asked for %s", r.URL)
		}
		_, _ = fmt.Fprintf(w, `{"messages":{"0":{"eu-west-1":{"http://x/0/q-dlq":[%s],"http://x/0/q":[%s],"http://x/0/idle":[]}}}}`, dead, held)
	}))
	t.Cleanup(s.Close)
	got := put{}
	m := New("eu-west-1", s.URL, got)
	for _, at := range []time.Time{noon, noon.Add(time.Minute)} {
		if err := m.Put(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]float64{
		"AWS/SQS/ApproximateAgeOfOldestMessage/q-dlq":         60, // since it was first seen there
		"AWS/SQS/ApproximateNumberOfMessagesVisible/q-dlq":    1,
		"AWS/SQS/ApproximateAgeOfOldestMessage/q":             120,
		"AWS/SQS/ApproximateNumberOfMessagesVisible/idle":     0,
		"AWS/SQS/ApproximateNumberOfMessagesDelayed/idle":     0,
		"AWS/SQS/ApproximateNumberOfMessagesNotVisible/q-dlq": 0,
		"AWS/SQS/NumberOfMessagesReceived/q":                  0, // since the look before
		"AWS/SQS/NumberOfMessagesDeleted/q":                   0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s: %v %v, want %v", name, v, ok, want)
		}
	}
}

func TestFlow(t *testing.T) {
	t.Parallel()
	before := map[string]int{"waiting": 0, "gone": 0, "handled": 1, "poison": 4}
	received, deleted, after := Flow(before, []Message{{ID: "waiting"}, {ID: "poison", Received: 6}, {ID: "new", Received: 1}})
	// gone was received once, poison twice, new once; gone and handled were deleted
	if received != 4 || deleted != 2 || after["poison"] != 6 || len(after) != 3 {
		t.Errorf("%d received, %d deleted, %v", received, deleted, after)
	}
}
