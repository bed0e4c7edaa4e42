package decide

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"example.com/unbroken/internal/loop"
)

func sampleItems() []loop.Item {
	return []loop.Item{
		{AcceptedAt: epoch, Input: "default", Signal: json.RawMessage(`{"specversion":"1.0","type":"a","data":{"s":"\\\"}{][,:","n":[1,2.5e3,{"x":null}]}}`)},
		{AcceptedAt: epoch, Input: "default", Standby: true, Signal: json.RawMessage(`{"type":"b"}`)},
		{
			AcceptedAt: epoch.Add(time.Nanosecond), Input: "other \"input\"", Attempt: 3, Hops: 2, Cause: []string{"x", "y"},
			Signal: json.RawMessage(`{"type":"c"}`), Quarantine: &loop.Quarantine{Rule: "r", Reason: loop.CodeRuleFailed, Stage: "decide", At: epoch}, Sampled: true,
			Left: []string{"r", "s"}, Timers: []string{"t"},
		},
	}
}

// The scanner must read what encoding/json reads.
func TestDecodeReadsWhatWasEncoded(t *testing.T) {
	t.Parallel()
	want := sampleItems()
	body, err := loop.Encode(want...)
	if err != nil {
		t.Fatal(err)
	}
	var spaced bytes.Buffer
	if err := json.Indent(&spaced, body, " ", "\t"); err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{body, spaced.Bytes()} {
		got, err := decode(b)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got { // the signals may differ in white space
			var c bytes.Buffer
			if err := json.Compact(&c, got[i].Signal); err != nil {
				t.Fatal(err)
			}
			got[i].Signal = c.Bytes()
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func TestDecodeRefusesWhatIsNoEnvelope(t *testing.T) {
	t.Parallel()
	for _, b := range []string{
		``, `{`, `[]`, `null`, `{"v":1`, `{"v":1,"items":[{"signal":{}]}`, `{"v":1,"items":[{}]}`, `{"items":[]}`,
		`{"v":1,"items":[]}x`, `{"v":1,"items":[{"acceptedAt":"yesterday","signal":{}}]}`, `{"v":1,"items":"x"}`, `{"v":1,"items":[{"signal":"\`,
	} {
		if items, err := decode([]byte(b)); err == nil {
			t.Errorf("%q was read as %+v", b, items)
		}
	}
}

// A newer sender may be ahead of this reader during a deployment: its messages are retried, not dropped.
func TestAnUnknownVersionIsAnErrorThatIsRetried(t *testing.T) {
	t.Parallel()
	_, err := decode([]byte(`{"v":2,"items":[{"something":"new"}]}`))
	if err == nil || loop.CodeOf(err) != "" {
		t.Errorf("got %v, want a plain error: a refusal would be quarantined", err)
	}
}

func FuzzDecode(f *testing.F) {
	body, err := loop.Encode(sampleItems()...)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"v":1,"items":[{"signal":"\`))
	f.Fuzz(func(t *testing.T, b []byte) {
		items, err := decode(b)
		var env loop.Envelope
		if json.Unmarshal(b, &env) != nil || err != nil || env.V != loop.EnvelopeVersion {
			return // only that it ends and does not panic
		}
		if len(items) != len(env.Items) {
			t.Fatalf("%q: %d items, encoding/json finds %d", b, len(items), len(env.Items))
		}
	})
}
