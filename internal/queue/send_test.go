package queue

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"example.com/unbroken/internal/loop"
)

func messages(n int) []loop.Outgoing {
	msgs := make([]loop.Outgoing, n)
	for i := range msgs {
		msgs[i] = loop.Outgoing{Body: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	return msgs
}

// A failure belongs to the slot of its message, whatever the order of the answer (FAULTS 4).
func TestPartOfABatchFails(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func(in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		out := &sqs.SendMessageBatchOutput{}
		for _, e := range in.Entries {
			switch *e.MessageBody {
			case `{"n":3}`, `{"n":12}`:
				out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("InternalError"), Message: aws.String("try later")})
			case `{"n":5}`: // not named at all
			default:
				out.Successful = append([]types.SendMessageBatchResultEntry{{Id: e.Id}}, out.Successful...)
			}
		}
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{}, types.SendMessageBatchResultEntry{Id: aws.String("99")}, types.SendMessageBatchResultEntry{Id: aws.String("-1")})
		out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: aws.String("x")}, types.BatchResultErrorEntry{Id: aws.String("10")}, types.BatchResultErrorEntry{Id: aws.String("-1")})
		return out, nil
	}}
	for i, err := range f.queues().Send(t.Context(), "r", loop.QueueSignals, messages(15)) {
		if bad := i == 3 || i == 5 || i == 12; bad != (err != nil) {
			t.Errorf("message %d: %v", i, err)
		}
		if i == 3 && !strings.Contains(err.Error(), "send to signals in r: refused as InternalError: try later") {
			t.Errorf("message %d: %v", i, err)
		}
		if i == 5 && !errors.Is(err, errUnanswered) {
			t.Errorf("message %d: %v", i, err)
		}
	}
}

func TestOneBatchFailsAndTheOthersDoNot(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func(in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
		if *in.Entries[0].MessageBody == `{"n":10}` {
			return nil, errDown
		}
		return allStored(in), nil
	}}
	for i, err := range f.queues().Send(t.Context(), "r", loop.QueueSignals, messages(25)) {
		if down := i >= 10 && i < 20; errors.Is(err, errDown) != down {
			t.Errorf("message %d: %v", i, err)
		}
	}
}

func TestBatchesKeepTheLimits(t *testing.T) {
	t.Parallel()
	half := []byte(strings.Repeat("x", maxBatchBytes/2))
	msgs := append(messages(11), loop.Outgoing{Body: half}, loop.Outgoing{Body: half}, loop.Outgoing{Body: half}, loop.Outgoing{Body: []byte("y")})
	f := &fake{}
	for i, err := range f.queues().Send(t.Context(), "r", loop.QueueSignals, msgs) {
		if err != nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
	sent := 0
	for _, in := range f.calls {
		size, ids := 0, map[string]bool{}
		for _, e := range in.Entries {
			size += len(*e.MessageBody)
			ids[*e.Id] = true
		}
		if len(in.Entries) > 10 || size > 1<<20 || len(ids) != len(in.Entries) {
			t.Errorf("a call with %d entries, %d ids and %d bytes", len(in.Entries), len(ids), size)
		}
		if *in.QueueUrl != "https://sqs.r.amazonaws.com/123456789012/p-signals" {
			t.Errorf("sent to %s", *in.QueueUrl)
		}
		sent += len(in.Entries)
	}
	if sent != len(msgs) || len(f.calls) != 4 { // ten; one and half a MiB; exactly a MiB; the rest
		t.Errorf("%d messages in %d calls", sent, len(f.calls))
	}
}

func TestExactlyOneMiBFitsOneCall(t *testing.T) {
	t.Parallel()
	half := loop.Outgoing{Body: []byte(strings.Repeat("x", maxBatchBytes/2))}
	f := &fake{}
	f.queues().Send(t.Context(), "r", loop.QueueSignals, []loop.Outgoing{half, half})
	if len(f.calls) != 1 {
		t.Errorf("%d calls", len(f.calls))
	}
}

func TestEntryCarriesDelayGroupAndTrace(t *testing.T) {
	t.Parallel()
	f := &fake{}
	q := f.queues()
	q.Send(t.Context(), "r", loop.QueueSignals, []loop.Outgoing{{Body: []byte("{}")}})
	q.cfg.Trace = func(context.Context) string { return "Root=1-2-3" }
	q.Send(t.Context(), "r", loop.QueueSignals, []loop.Outgoing{{Body: []byte("{}"), Delay: 1500 * time.Millisecond, Group: "orders ü"}})
	bare, full := f.calls[0].Entries[0], f.calls[1].Entries[0]
	if bare.DelaySeconds != 0 || bare.MessageGroupId != nil || bare.MessageSystemAttributes != nil {
		t.Errorf("a bare message has %+v", bare)
	}
	if full.DelaySeconds != 2 || *full.MessageGroupId != "orders___" || *full.MessageSystemAttributes["AWSTraceHeader"].StringValue != "Root=1-2-3" {
		t.Errorf("a full message has %+v", full)
	}
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]int32{
		0: 0, 1: 1, time.Second: 1, time.Second + 1: 2, -time.Hour: 0, 900 * time.Second: 900, 899*time.Second + 1: 900, time.Hour: 900, 1<<63 - 1: 900,
	} {
		if got := seconds(d); got != want {
			t.Errorf("%s: %d, want %d", d, got, want)
		}
	}
}

func TestGroupID(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"orders": "orders", "a b\tc\x7f": "a_b_c_", "~!": "~!", "é": "__", strings.Repeat("x", 129): strings.Repeat("x", 128),
	} {
		if got := groupID(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestDepthIsNeverGuessed(t *testing.T) {
	t.Parallel()
	f := &fake{depth: map[string]string{
		"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesNotVisible": "2", "ApproximateNumberOfMessagesDelayed": "3",
	}}
	if v, i, d, err := f.queues().Depth(t.Context(), "r", "signals"); v != 1 || i != 2 || d != 3 || err != nil {
		t.Errorf("%d %d %d %v", v, i, d, err)
	}
	delete(f.depth, "ApproximateNumberOfMessagesDelayed")
	if _, _, _, err := f.queues().Depth(t.Context(), "r", "signals"); err == nil {
		t.Error("a missing count was taken for zero")
	}
	f.depth = nil
	if _, _, _, err := f.queues().Depth(t.Context(), "r", "signals"); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
}

func TestReturnMakesVisibleAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sizes []int
	f := &fake{giveBack: func(in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, len(in.Entries))
		for _, e := range in.Entries {
			if e.VisibilityTimeout != 0 {
				t.Errorf("hidden for %d s", e.VisibilityTimeout)
			}
		}
		if len(sizes) == 2 {
			return &sqs.ChangeMessageVisibilityBatchOutput{Failed: []types.BatchResultErrorEntry{{Id: aws.String("0"), Code: aws.String("MessageNotInflight")}}}, nil
		}
		return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
	}}
	err := f.queues().Return(t.Context(), "r", "signals", make([]string, 11))
	slices.Sort(sizes)
	if err == nil || !strings.Contains(err.Error(), "MessageNotInflight") || fmt.Sprint(sizes) != "[1 10]" {
		t.Errorf("%v after calls of %v", err, sizes)
	}
}

// What a salvage holds are thousands, and its region may be far away: some calls are under way at once, and no more than
// a few.
func TestThousandsAreGivenBackInASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{giveBack: func(*sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
			time.Sleep(40 * time.Millisecond) // of a bubble
			return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
		}}
		at := time.Now()
		if err := f.queues().Return(t.Context(), "r", "signals", make([]string, 2000)); err != nil || time.Since(at) != time.Second {
			t.Errorf("it took %s, %v", time.Since(at), err)
		}
	})
}

func TestDeleteReportsWhatStays(t *testing.T) {
	t.Parallel()
	var sizes []int
	f := &fake{remove: func(in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
		sizes = append(sizes, len(in.Entries))
		switch *in.Entries[0].ReceiptHandle {
		case "h0":
			return nil, errDown
		case "h10":
			return &sqs.DeleteMessageBatchOutput{Failed: []types.BatchResultErrorEntry{{Id: aws.String("0"), Code: aws.String("ReceiptHandleIsInvalid")}}}, nil
		}
		return &sqs.DeleteMessageBatchOutput{}, nil
	}}
	handles := make([]string, 21)
	for i := range handles {
		handles[i] = fmt.Sprintf("h%d", i)
	}
	err := f.queues().Delete(t.Context(), "r", "signals", handles)
	if !errors.Is(err, errDown) || !strings.Contains(err.Error(), "ReceiptHandleIsInvalid") || !slices.Equal(slices.Sorted(slices.Values(sizes)), []int{1, 10, 10}) {
		t.Errorf("%v after calls of %v", err, sizes)
	}
	if err := f.queues().Delete(t.Context(), "r", "signals", handles[20:]); err != nil {
		t.Error(err)
	}
}

func TestClientsAreMadeOncePerRegion(t *testing.T) {
	t.Parallel()
	client := Clients(aws.Config{})
	if client("a") != client("a") || client("a") == client("b") {
		t.Error("not one client per region")
	}
	if o := client("a").(*sqs.Client).Options(); o.Region != "a" || o.Retryer.MaxAttempts() != maxAttempts {
		t.Errorf("region %s, %d attempts", o.Region, o.Retryer.MaxAttempts())
	}
}

// Our emulator drops the trace header of a batch, so this is shown here only.
func TestReceivedMessageCarriesItsAttributes(t *testing.T) {
	t.Parallel()
	f := &fake{receive: func(in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		if in.MaxNumberOfMessages != 10 || in.WaitTimeSeconds != 20 || in.VisibilityTimeout != 30 || len(in.MessageSystemAttributeNames) != 4 {
			t.Errorf("asked for %+v", in)
		}
		return &sqs.ReceiveMessageOutput{Messages: []types.Message{{
			MessageId: aws.String("id"), Body: aws.String("{}"), ReceiptHandle: aws.String("h"), Attributes: map[string]string{
				"AWSTraceHeader": "Root=1-2-3", "ApproximateReceiveCount": "3", "SentTimestamp": "1774749540123", "MessageGroupId": "orders",
			},
		}, {}}}, nil
	}}
	got, err := f.queues().Receive(t.Context(), "r", "signals", 100, time.Hour, 30*time.Second)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	want := loop.Received{
		Message: loop.Message{ID: "id", Body: []byte("{}"), SentAt: time.UnixMilli(1774749540123).UTC(), Receives: 3, Trace: "Root=1-2-3"},
		Handle:  "h", Group: "orders",
	}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got %+v", got[0])
	}
	if !got[1].SentAt.IsZero() {
		t.Errorf("a message without a time was sent at %s", got[1].SentAt)
	}
	f.receive = func(in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
		if in.MaxNumberOfMessages != 1 {
			t.Errorf("asked for %d", in.MaxNumberOfMessages)
		}
		return nil, errDown
	}
	if _, err := f.queues().Receive(t.Context(), "r", "signals", 0, 0, 0); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
}
