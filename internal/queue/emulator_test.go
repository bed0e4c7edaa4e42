package queue

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"example.com/unbroken/internal/loop"
	"example.com/unbroken/internal/looptest"
)

// account is the emulator's.
const account = "000000000000"

var deployments atomic.Int64

// deploy makes fresh queues in two regions of the emulator.
func deploy(t *testing.T) *Queues {
	t.Helper()
	if os.Getenv("AWS_ENDPOINT_URL") == "" {
		t.Skip("AWS_ENDPOINT_URL is not set: start the emulator and set it to run this against SQS's API")
	}
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(looptest.HereRegion))
	if err != nil {
		t.Fatal(err)
	}
	q := New(Config{
		Account: account, Prefix: fmt.Sprintf("t%d-%d", os.Getpid(), deployments.Add(1)), Client: Clients(cfg),
	})
	for _, region := range []string{looptest.HereRegion, looptest.ThereRegion} {
		admin := sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.Region = region })
		for _, queue := range loop.Queues() {
			for _, name := range []string{queue, loop.DeadLetter(queue)} {
				out, err := admin.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(loop.Name(q.cfg.Prefix, name))})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if _, err := admin.DeleteQueue(context.WithoutCancel(t.Context()), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl}); err != nil {
						t.Log(err)
					}
				})
			}
		}
	}
	return q
}

// drain receives until the queue has nothing more to give.
func drain(t *testing.T, q *Queues, region, queue string) (all []loop.Received) {
	t.Helper()
	for {
		msgs, err := q.Receive(t.Context(), region, queue, 10, 0, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if len(msgs) == 0 {
			return all
		}
		all = append(all, msgs...)
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	looptest.Queue(t, func(t *testing.T) looptest.QueueBench {
		q := deploy(t)
		return looptest.QueueBench{
			Queue: q, Depth: q.Depth,
			Receive: func(t *testing.T, region, queue string) (msgs []loop.Message) {
				t.Helper()
				for _, r := range drain(t, q, region, queue) {
					msgs = append(msgs, r.Message)
				}
				return msgs
			},
		}
	})
}

// What the command line does when it redrives: receive, send on, delete.
func TestReceivedMessagesAreDeleted(t *testing.T) {
	t.Parallel()
	q := deploy(t)
	if errs := q.Send(t.Context(), looptest.HereRegion, loop.QueueInbox, append(messages(11), loop.Outgoing{Body: []byte("{}"), Group: "orders"})); slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
		t.Fatal(errs)
	}
	all := drain(t, q, looptest.HereRegion, loop.QueueInbox)
	if len(all) != 12 {
		t.Fatalf("received %d", len(all))
	}
	var handles, groups []string
	for _, r := range all {
		handles, groups = append(handles, r.Handle), append(groups, r.Group)
	}
	if !slices.Contains(groups, "orders") {
		t.Errorf("groups %q", groups)
	}
	if _, inFlight, _, err := q.Depth(t.Context(), looptest.HereRegion, loop.QueueInbox); err != nil || inFlight != 12 {
		t.Errorf("%d in flight, %v", inFlight, err)
	}
	if err := q.Delete(t.Context(), looptest.HereRegion, loop.QueueInbox, handles); err != nil {
		t.Fatal(err)
	}
	if visible, inFlight, _, err := q.Depth(t.Context(), looptest.HereRegion, loop.QueueInbox); err != nil || visible+inFlight != 0 {
		t.Errorf("%d and %d left, %v", visible, inFlight, err)
	}
	if _, err := q.Receive(t.Context(), looptest.HereRegion, "no-such-queue", 1, 0, 0); err == nil {
		t.Error("received from a queue that does not exist")
	}
}

// A message that is given back is delivered again at once, and not when its hold ends.
func TestWhatIsGivenBackIsDeliveredAgain(t *testing.T) {
	t.Parallel()
	q := deploy(t)
	if err := q.Send(t.Context(), looptest.HereRegion, loop.QueueSignals, []loop.Outgoing{{Body: []byte("one"), Group: "g"}})[0]; err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 3; n++ {
		got, err := q.Receive(t.Context(), looptest.HereRegion, loop.QueueSignals, 10, 5*time.Second, time.Minute)
		if err != nil || len(got) != 1 || got[0].Receives != n {
			t.Fatalf("%+v, %v", got, err)
		}
		if err := q.Return(t.Context(), looptest.HereRegion, loop.QueueSignals, []string{got[0].Handle}); err != nil {
			t.Fatal(err)
		}
	}
}
