package ingest

import (
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

func TestParseBatch(t *testing.T) {
	t.Parallel()
	events, err := parseBatch([]byte(" [" + event("1") + " ,\n" + event("") + "," + event("3", `"data":{"a":1,"a":2}`) + `, 7,` + event("5", `"data":`+nested(64)) + "," + event("6", `"data":`+nested(63)) + "] "))
	if err != nil || len(events) != 6 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, code := range []loop.Code{"", loop.CodeInvalidEvent, loop.CodeMalformed, loop.CodeMalformed, loop.CodeMalformed, ""} {
		if loop.CodeOf(events[i].err) != code || (events[i].err == nil) != (code == "") {
			t.Errorf("event %d: %v; want %q", i, events[i].err, code)
		}
	}
	if string(events[1].raw) != event("") || events[0].signal.ID != "1" || events[5].signal.ID != "6" {
		t.Error("the events are mixed up")
	}
	for _, whole := range []string{"", "{}", "[", "[1", "[1,]", "[1 2]", "[] []", "[1] x", `[{"a":1"},` + event("2") + "]"} {
		if events, err := parseBatch([]byte(whole)); loop.CodeOf(err) != loop.CodeMalformed {
			t.Errorf("%q: %v, %v", whole, events, err)
		}
	}
	if events, err := parseBatch([]byte(" [ ] ")); err != nil || len(events) != 0 {
		t.Errorf("an empty batch: %v, %v", events, err)
	}
	spacious := event("2", `"data":[`+strings.Repeat(" ", loop.MaxSignalBytes)+"]")
	for _, big := range []string{sized(t, "2", loop.MaxSignalBytes+1), spacious} {
		if events, err := parseBatch([]byte(batchOf(event("1"), big, event("3")))); err != nil || loop.CodeOf(events[1].err) != loop.CodeTooLarge || events[2].err != nil {
			t.Errorf("one too large among others: %v", err)
		}
	}
}

func TestBatchSizes(t *testing.T) {
	t.Parallel()
	for n, code := range map[int]loop.Code{500: "", 501: loop.CodeBatchTooLarge, 10_000: loop.CodeBatchTooLarge} {
		all := make([]string, n)
		for i := range all {
			all[i] = event("1")
		}
		events, err := parseBatch([]byte(batchOf(all...)))
		if loop.CodeOf(err) != code || code == "" && len(events) != n {
			t.Errorf("%d events: %d, %v", n, len(events), err)
		}
	}
}
