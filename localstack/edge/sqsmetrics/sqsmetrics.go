// Package sqsmetrics puts the AWS/SQS metrics that the emulator lacks: per queue and minute,
// ApproximateNumberOfMessagesVisible, NotVisible and Delayed, ApproximateAgeOfOldestMessage as AWS documents it, and
// NumberOfMessagesReceived and Deleted as far as two looks show them.
//
// It must not know unbroken: it measures every queue that there is. Unlike AWS it goes on for a queue that has been
// idle for six hours.
package sqsmetrics

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Every is how often SQS puts its metrics.
const Every = time.Minute

// Metrics is the part of CloudWatch that is used; *cloudwatch.Client implements it.
type Metrics interface {
	PutMetricData(context.Context, *cloudwatch.PutMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

var _ Metrics = (*cloudwatch.Client)(nil)

// Meter measures the queues of one region. It is not safe for concurrent use.
type Meter struct {
	region   string
	emulator string // its URL: no AWS call shows messages without receiving them
	metrics  Metrics
	arrived  map[string]map[string]time.Time // queue → dead letter → when it was first seen
	receives map[string]map[string]int       // queue → message → how often it had been received
}

// New returns a meter of the queues of a region.
func New(region, emulator string, metrics Metrics) *Meter {
	return &Meter{region: region, emulator: emulator, metrics: metrics, arrived: map[string]map[string]time.Time{}, receives: map[string]map[string]int{}}
}

// Put measures every queue as of now.
func (m *Meter) Put(ctx context.Context, now time.Time) error {
	queues, err := m.queues(ctx)
	if err != nil {
		return fmt.Errorf("sqs metrics: %w", err)
	}
	var data []types.MetricDatum
	for _, queue := range slices.Sorted(maps.Keys(queues)) {
		m.remember(queue, queues[queue], now)
		var received, deleted int
		received, deleted, m.receives[queue] = Flow(m.receives[queue], queues[queue])
		d := Measure(queues[queue], func(id string) time.Time { return m.arrived[queue][id] }, now)
		for _, one := range []struct {
			name  string
			value float64
			unit  types.StandardUnit
		}{
			{"ApproximateNumberOfMessagesVisible", float64(d.Visible), types.StandardUnitCount},
			{"ApproximateNumberOfMessagesNotVisible", float64(d.NotVisible), types.StandardUnitCount},
			{"ApproximateNumberOfMessagesDelayed", float64(d.Delayed), types.StandardUnitCount},
			{"NumberOfMessagesReceived", float64(received), types.StandardUnitCount},
			{"NumberOfMessagesDeleted", float64(deleted), types.StandardUnitCount},
			{"ApproximateAgeOfOldestMessage", d.Oldest.Seconds(), types.StandardUnitSeconds},
		} {
			data = append(data, types.MetricDatum{
				MetricName: aws.String(one.name), Value: aws.Float64(one.value), Unit: one.unit, Timestamp: aws.Time(now),
				Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String(queue)}},
			})
		}
	}
	for some := range slices.Chunk(data, 1000) { // what PutMetricData takes
		if _, err := m.metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("AWS/SQS"), MetricData: some}); err != nil {
			return fmt.Errorf("sqs metrics: %w", err)
		}
	}
	return nil
}

// remember notes which dead letters are new and forgets those that are gone.
func (m *Meter) remember(queue string, messages []Message, now time.Time) {
	seen := map[string]time.Time{}
	for _, one := range messages {
		if !one.DeadLettered {
			continue
		}
		at, old := m.arrived[queue][one.ID]
		if !old {
			at = now
		}
		seen[one.ID] = at
	}
	m.arrived[queue] = seen
}

// listed is a message as the emulator lists it; times are in seconds.
type listed struct {
	MessageId     string
	SentTimestamp int64
	VisibleAt     int64
	IsVisible     bool
	ReceiveCount  int
	Attributes    map[string]string
}

// queues lists the messages of every queue of the region, by the queue's name, and receives none.
func (m *Meter) queues(ctx context.Context) (map[string][]Message, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.emulator+"/_ministack/sqs/messages?region="+url.QueryEscape(m.region), nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("list messages: %s", res.Status)
	}
	var answer struct {
		Messages map[string]map[string]map[string][]listed // account → region → queue URL
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	queues := map[string][]Message{}
	for _, account := range answer.Messages {
		for address, list := range account[m.region] {
			name := path.Base(address)
			queues[name] = []Message{}
			for _, one := range list {
				queues[name] = append(queues[name], one.message())
			}
		}
	}
	return queues, nil
}

func (l listed) message() Message {
	_, dead := l.Attributes["DeadLetterQueueSourceArn"]
	at := Message{ID: l.MessageId, Sent: time.Unix(l.SentTimestamp, 0), VisibleAt: time.Unix(l.VisibleAt, 0), Received: l.ReceiveCount, DeadLettered: dead}
	if !l.IsVisible {
		at.VisibleAt = at.VisibleAt.Add(time.Second) // cut to whole seconds, it may seem past
	}
	return at
}
