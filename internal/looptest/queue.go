package looptest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// QueueBench is the queues of two regions and a way to look into them. Receive takes what is visible now, each
// message once; Advance moves the clock, and is nil where the clock is the world's.
type QueueBench struct {
	Queue   act.Queue
	Receive func(t *testing.T, region, queue string) []loop.Message
	Depth   func(ctx context.Context, region, queue string) (visible, inFlight, delayed int, err error)
	Advance func(time.Duration)
}

// Queue is the suite for the Queue interfaces of ingest, decide and act.
func Queue(t *testing.T, open func(t *testing.T) QueueBench) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, b QueueBench){
		"MessagesBeyondOneBatchAreLost":   manyMessages,
		"LargeMessagesExceedOneBatch":     largeMessages,
		"OneBadMessageFailsItsNeighbours": badSlots,
		"BodyChangesInTheQueue":           exactBodies,
		"GroupNameIsRefused":              anyGroup,
		"StandbyCopyComesEarly":           delayed,
		"DelayBeyondTheLimitIsRefused":    longDelay,
		"RegionsAndQueuesAreMixedUp":      queuesAreApart,
		"NothingToSendIsAnError":          nothing,
		"UnsentLooksStored":               canceledSend,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func sendAll(t *testing.T, b QueueBench, msgs ...loop.Outgoing) {
	t.Helper()
	errs := b.Queue.Send(deadline(t), HereRegion, loop.QueueSignals, msgs)
	if len(errs) != len(msgs) {
		t.Fatalf("%d error slots for %d messages", len(errs), len(msgs))
	}
	for i, err := range errs {
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
}

func received(t *testing.T, b QueueBench, region, queue string) []string {
	t.Helper()
	var bodies []string
	for _, m := range b.Receive(t, region, queue) {
		if m.ID == "" || m.Receives != 1 || m.SentAt.IsZero() {
			t.Errorf("message %q, received %d times, sent at %s", m.ID, m.Receives, m.SentAt)
		}
		bodies = append(bodies, string(m.Body))
	}
	slices.Sort(bodies)
	return bodies
}

func bodies(n int, form string) (msgs []loop.Outgoing, texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprintf(form, i))
		msgs = append(msgs, loop.Outgoing{Body: []byte(texts[i]), Group: "input"})
	}
	return msgs, texts
}

func manyMessages(t *testing.T, b QueueBench) {
	msgs, texts := bodies(25, `{"n":%02d}`)
	sendAll(t, b, msgs...)
	same(t, received(t, b, HereRegion, loop.QueueSignals), texts)
}

func largeMessages(t *testing.T, b QueueBench) {
	msgs, texts := bodies(7, `{"n":%02d,"pad":"`+strings.Repeat("x", 400<<10)+`"}`)
	sendAll(t, b, msgs...)
	got := received(t, b, HereRegion, loop.QueueSignals)
	if !slices.Equal(got, texts) {
		t.Fatalf("%d of %d messages arrived unchanged", len(got), len(texts))
	}
}

func badSlots(t *testing.T, b QueueBench) {
	msgs := []loop.Outgoing{
		{Body: []byte(`{"n":0}`)},
		{Body: []byte{}},
		{Body: []byte(`{"n":1}`)},
		{Body: bytes.Repeat([]byte("x"), 1<<20+1)},
		{Body: []byte(`{"n":2}`)},
		{Body: []byte("\xff\xfe")},
		{Body: bytes.Repeat([]byte("y"), 1<<20)},
	}
	errs := b.Queue.Send(deadline(t), HereRegion, loop.QueueSignals, msgs)
	for i, code := range []loop.Code{"", loop.CodeMalformed, "", loop.CodeTooLarge, "", loop.CodeMalformed, ""} {
		if got := loop.CodeOf(errs[i]); got != code || code == "" && errs[i] != nil {
			t.Errorf("message %d: %v, want code %q", i, errs[i], code)
		}
	}
	if got := received(t, b, HereRegion, loop.QueueSignals); len(got) != 4 {
		t.Fatalf("%d messages arrived, want 4", len(got))
	}
}

func exactBodies(t *testing.T, b QueueBench) {
	text := "tab\t, quote\", ü, ☂, 🌂, \u007f\u0085\uFDD0, \uFFFD, \uFFFE\uFFFF"
	body, err := loop.Encode(loop.Item{Input: text})
	must(t, err)
	sendAll(t, b, loop.Outgoing{Body: body})
	got := received(t, b, HereRegion, loop.QueueSignals)
	if len(got) != 1 {
		t.Fatalf("%d messages arrived", len(got))
	}
	var env loop.Envelope
	must(t, json.Unmarshal([]byte(got[0]), &env))
	if env.Items[0].Input != text {
		t.Fatalf("got %q, want %q", env.Items[0].Input, text)
	}
}

func anyGroup(t *testing.T, b QueueBench) {
	for _, g := range []string{"", "input", "with space", "ü☂", strings.Repeat("long", 100)} {
		sendAll(t, b, loop.Outgoing{Body: []byte(`{}`), Group: g})
	}
	if got := received(t, b, HereRegion, loop.QueueSignals); len(got) != 5 {
		t.Fatalf("%d of 5 messages arrived", len(got))
	}
}

func delayed(t *testing.T, b QueueBench) {
	sendAll(t, b, loop.Outgoing{Body: []byte(`{}`), Delay: 19*time.Second + time.Millisecond})
	if got := received(t, b, HereRegion, loop.QueueSignals); len(got) != 0 {
		t.Fatal("came without its delay")
	}
	depth(t, b, 0, 0, 1)
	if b.Advance == nil {
		return
	}
	b.Advance(20*time.Second - time.Nanosecond)
	if got := received(t, b, HereRegion, loop.QueueSignals); len(got) != 0 {
		t.Fatal("a delay was rounded down")
	}
	b.Advance(time.Nanosecond)
	depth(t, b, 1, 0, 0)
	if got := received(t, b, HereRegion, loop.QueueSignals); len(got) != 1 {
		t.Fatal("did not come after its delay")
	}
	depth(t, b, 0, 1, 0)
}

func depth(t *testing.T, b QueueBench, visible, inFlight, delayed int) {
	t.Helper()
	v, f, d, err := b.Depth(deadline(t), HereRegion, loop.QueueSignals)
	must(t, err)
	if v != visible || f != inFlight || d != delayed {
		t.Fatalf("%d visible, %d in flight, %d delayed; want %d, %d, %d", v, f, d, visible, inFlight, delayed)
	}
}

func longDelay(t *testing.T, b QueueBench) {
	sendAll(t, b, loop.Outgoing{Body: []byte(`{}`), Delay: time.Hour}, loop.Outgoing{Body: []byte(`{}`), Delay: -time.Hour})
	depth(t, b, 1, 0, 1)
	if b.Advance != nil {
		b.Advance(loop.MaxDelay)
		depth(t, b, 2, 0, 0)
	}
}

func queuesAreApart(t *testing.T, b QueueBench) {
	at := [][2]string{{HereRegion, loop.QueueSignals}, {HereRegion, loop.QueueActions}, {ThereRegion, loop.QueueSignals}, {HereRegion, loop.DeadLetter(loop.QueueSignals)}}
	for i, a := range at {
		msgs, _ := bodies(1, fmt.Sprintf(`{"at":%d,"n":%%d}`, i))
		must(t, b.Queue.Send(deadline(t), a[0], a[1], msgs)[0])
	}
	for i, a := range at {
		same(t, received(t, b, a[0], a[1]), []string{fmt.Sprintf(`{"at":%d,"n":0}`, i)})
	}
}

func nothing(t *testing.T, b QueueBench) { sendAll(t, b) }

func canceledSend(t *testing.T, b QueueBench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	msgs, _ := bodies(12, `{"n":%02d}`)
	for _, err := range b.Queue.Send(ctx, HereRegion, loop.QueueSignals, msgs) {
		want(t, err, context.Canceled)
	}
	depth(t, b, 0, 0, 0)
}
