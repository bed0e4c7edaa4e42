package app

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/xray"
)

// SQSHandler is a Lambda handler behind an event source mapping with ReportBatchItemFailures.
type SQSHandler func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// stage is what every queue stage looks like: it returns the ids of the messages to deliver again.
type stage interface {
	Handle(ctx context.Context, msgs []loop.Message) (failed []string)
}

// overSQS lets a stage serve an event source mapping. Only the named messages come again; the others are done.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
func (b *base) overSQS(name string, s stage) SQSHandler {
	return func(ctx context.Context, ev events.SQSEvent) (events.SQSEventResponse, error) {
		msgs := make([]loop.Message, len(ev.Records))
		for i, r := range ev.Records {
			msgs[i] = message(r)
		}
		ctx, end := b.telemetry.StartBatch(ctx, msgs)
		defer end()
		// An empty list, not null: the documented shape of complete success.
		resp := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		err := xray.Capture(ctx, name, func(ctx context.Context) error {
			for _, id := range s.Handle(ctx, msgs) {
				resp.BatchItemFailures = append(resp.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
			}
			return nil
		})
		return resp, err
	}
}

func message(r events.SQSMessage) loop.Message {
	m := loop.Message{ID: r.MessageId, Body: []byte(r.Body), Trace: r.Attributes["AWSTraceHeader"]}
	if ms, err := strconv.ParseInt(r.Attributes["SentTimestamp"], 10, 64); err == nil {
		m.SentAt = time.UnixMilli(ms).UTC()
	}
	m.Receives, _ = strconv.Atoi(r.Attributes["ApproximateReceiveCount"]) // 0 where the queue does not say
	return m
}
