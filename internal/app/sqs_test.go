package app

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"example.com/unbroken/internal/loop"
)

// stageFunc is a stage made of a function.
type stageFunc func([]loop.Message) []string

func (f stageFunc) Handle(_ context.Context, msgs []loop.Message) []string { return f(msgs) }

func deliver(t *testing.T, f stageFunc, records ...events.SQSMessage) events.SQSEventResponse {
	t.Helper()
	resp, err := testBase().overSQS("f", f)(t.Context(), events.SQSEvent{Records: records})
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestOnlyTheFailedMessagesComeAgain(t *testing.T) {
	t.Parallel()
	resp := deliver(t, func(msgs []loop.Message) []string { return []string{msgs[0].ID, msgs[2].ID} },
		events.SQSMessage{MessageId: "a"}, events.SQSMessage{MessageId: "b"}, events.SQSMessage{MessageId: "c"})
	want := []events.SQSBatchItemFailure{{ItemIdentifier: "a"}, {ItemIdentifier: "c"}}
	if !reflect.DeepEqual(resp.BatchItemFailures, want) {
		t.Errorf("%+v", resp)
	}
}

// null in place of the list is not among the documented answers; Lambda takes what it does not know for a failure
// of the whole batch.
func TestCompleteSuccessIsAnEmptyList(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(deliver(t, func([]loop.Message) []string { return nil }, events.SQSMessage{MessageId: "a"}))
	if err != nil || string(b) != `{"batchItemFailures":[]}` {
		t.Errorf("%s, %v", b, err)
	}
}

func TestAMessageKeepsWhatTheQueueSaysOfIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		record events.SQSMessage
		want   loop.Message
	}{
		"everything": {
			events.SQSMessage{MessageId: "a", Body: `{"v":1}`, Attributes: map[string]string{
				"SentTimestamp": "1772600767123", "ApproximateReceiveCount": "3", "AWSTraceHeader": "Root=1-2-3",
			}},
			loop.Message{ID: "a", Body: []byte(`{"v":1}`), SentAt: time.UnixMilli(1772600767123).UTC(), Receives: 3, Trace: "Root=1-2-3"},
		},
		"nothing": {events.SQSMessage{MessageId: "a"}, loop.Message{ID: "a", Body: []byte{}}},
		"nonsense": {
			events.SQSMessage{MessageId: "a", Attributes: map[string]string{"SentTimestamp": "noon", "ApproximateReceiveCount": "many"}},
			loop.Message{ID: "a", Body: []byte{}},
		},
	} {
		var got []loop.Message
		deliver(t, func(msgs []loop.Message) []string { got = msgs; return nil }, c.record)
		if !reflect.DeepEqual(got, []loop.Message{c.want}) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}
