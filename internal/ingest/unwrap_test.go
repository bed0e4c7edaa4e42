package ingest

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/unbroken/internal/loop"
)

// The events of CloudWatch as its documentation shows them, shortened.
const (
	alarmOnBus = `{"version":"0","id":"c4c1c1c9-6542-e61b-6ef0-8c4d36933a92","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch",` +
		`"account":"123456789012","time":"2026-03-04T11:58:41Z","region":"us-east-2","resources":["arn:aws:cloudwatch:us-east-2:123456789012:alarm:ServerCpuTooHigh"],` +
		`"detail":{"alarmName":"ServerCpuTooHigh","configuration":{"description":"Goes into alarm when server CPU utilization is too high!","metrics":[]},` +
		`"previousState":{"reason":"Threshold Crossed","timestamp":"2026-03-04T11:03:40.482+0000","value":"OK"},` +
		`"state":{"reason":"Threshold Crossed: 1 out of the last 1 datapoints","reasonData":"{}","timestamp":"2026-03-04T11:58:40.989+0000","value":"ALARM"}}}`
	alarmOnTopic = `{"AlarmName":"ServerCpuTooHigh","AlarmDescription":"Goes into alarm when server CPU utilization is too high!","AWSAccountId":"123456789012",` +
		`"NewStateValue":"ALARM","NewStateReason":"Threshold Crossed: 1 out of the last 1 datapoints","StateChangeTime":"2026-03-04T11:58:40.989+0000",` +
		`"Region":"US East (Ohio)","AlarmArn":"arn:aws:cloudwatch:us-east-2:123456789012:alarm:ServerCpuTooHigh","OldStateValue":"OK","Trigger":{}}`
	alarmStored = `{"specversion":"1.0","type":"com.amazonaws.cloudwatch.alarm","source":"aws.cloudwatch/123456789012/us-east-2",` +
		`"id":"arn:aws:cloudwatch:us-east-2:123456789012:alarm:ServerCpuTooHigh/ALARM/2026-03-04T11:58:40.989Z","subject":"ServerCpuTooHigh","time":"2026-03-04T11:58:40.989Z",` +
		`"data":{"alarm":"ServerCpuTooHigh","arn":"arn:aws:cloudwatch:us-east-2:123456789012:alarm:ServerCpuTooHigh","state":"ALARM","previous":"OK",` +
		`"reason":"Threshold Crossed: 1 out of the last 1 datapoints","description":"Goes into alarm when server CPU utilization is too high!"}}`
	instanceOnBus = `{"version":"0","id":"7bf73129-1428-4cd3-a780-95db273d1602","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2",` +
		`"account":"123456789012","time":"2026-03-04T11:59:00Z","region":"us-east-2","resources":["arn:aws:ec2:us-east-2:123456789012:instance/i-1"],"detail":{"state":"stopped"}}`
)

func onTopic(message string) string {
	b, _ := json.Marshal(map[string]string{
		"Type": "Notification", "MessageId": "22b80b92", "TopicArn": "arn:aws:sns:us-east-2:123456789012:t", "Message": message,
		"Timestamp": "2026-03-04T12:00:00Z", "Signature": "EXAMPLE", "SigningCertURL": "https://sns.example.com/c.pem",
	})
	return string(b)
}

func onBus(detail string) string {
	return strings.Replace(instanceOnBus, `{"state":"stopped"}`, detail, 1)
}

// whole is what the signal of event(id) is stored as.
func whole(id string) string {
	return `{"specversion":"1.0","type":"com.example.metric","source":"shop/checkout","id":"` + id + `"}`
}

func TestTheInboxUnwraps(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body string
		want []string
	}{
		"a topic":                   {onTopic(event("1")), []string{whole("1")}},
		"a topic, a batch":          {onTopic(batchOf(event("1"), event("2"))), []string{whole("1"), whole("2")}},
		"a bus":                     {onBus(event("1")), []string{whole("1")}},
		"a bus behind a topic":      {onTopic(onBus(event("1"))), []string{whole("1")}},
		"an event of a service":     {instanceOnBus, []string{`{"specversion":"1.0","type":"EC2 Instance State-change Notification","source":"aws.ec2","id":"7bf73129-1428-4cd3-a780-95db273d1602","subject":"arn:aws:ec2:us-east-2:123456789012:instance/i-1","time":"2026-03-04T11:59:00Z","data":{"state":"stopped"}}`}},
		"an alarm on the bus":       {alarmOnBus, []string{alarmStored}},
		"an alarm by a topic":       {onTopic(alarmOnTopic), []string{alarmStored}},
		"an alarm, raw delivery":    {alarmOnTopic, []string{alarmStored}},
		"an event stays what it is": {event("1", `"data":{"Type":"Notification","TopicArn":"x","Message":"{}"}`), []string{strings.TrimSuffix(whole("1"), "}") + `,"data":{"Type":"Notification","TopicArn":"x","Message":"{}"}}`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{}
			b := inboxOf(t, q)
			if failed := b.Handle(t.Context(), []loop.Message{{ID: "m", Body: []byte(tt.body), SentAt: noon}}); len(failed) > 0 {
				t.Fatal(failed)
			}
			items := q.items(t, ohio, loop.QueueSignals)
			if len(items) != len(tt.want) {
				t.Fatalf("%d signals; %+v", len(items), q.records(t))
			}
			for i, want := range tt.want {
				if string(items[i].Signal) != want {
					t.Errorf("got  %s\nwant %s", items[i].Signal, want)
				}
			}
		})
	}
}

func inboxOf(t testing.TB, q *fakeQueue) *Inbox {
	t.Helper()
	a, _ := setup(q)
	b, err := NewInbox(a, "inbox")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What is wrong inside a wrapping is quarantined with its own reason, whole: a redrive tries the same again.
func TestABadEventInAWrappingIsQuarantined(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body string
		code loop.Code
	}{
		"a forged outcome by a topic":  {onTopic(strings.Replace(event("1"), "shop/checkout", "unbroken:act", 1)), loop.CodeReserved},
		"a forged outcome by the bus":  {onBus(strings.Replace(event("1"), "com.example.metric", "unbroken.effect.done", 1)), loop.CodeReserved},
		"the bus's own source":         {strings.Replace(instanceOnBus, "aws.ec2", "UNBROKEN:act", 1), loop.CodeReserved},
		"no text":                      {onTopic("hello"), loop.CodeMalformed},
		"nothing":                      {onTopic(""), loop.CodeMalformed},
		"too many wrappings":           {onTopic(onTopic(onTopic(event("1")))), loop.CodeInvalidEvent},
		"an alarm without a state":     {strings.Replace(alarmOnBus, `"value":"ALARM"`, `"value":""`, 1), loop.CodeInvalidEvent},
		"an alarm of no ARN":           {strings.Replace(alarmOnTopic, "arn:aws:cloudwatch:", "x", 1), loop.CodeInvalidEvent},
		"an alarm at no time":          {strings.Replace(alarmOnTopic, "2026-03-04T11:58:40.989+0000", "noon", 1), loop.CodeInvalidEvent},
		"a subscription to confirm":    {strings.Replace(onTopic("x"), "Notification", "SubscriptionConfirmation", 1), loop.CodeInvalidEvent},
		"a duplicate key on the way":   {strings.Replace(instanceOnBus, `"detail":`, `"id":"2","detail":`, 1), loop.CodeMalformed},
		"a detail that is no object":   {onBus(`7`), loop.CodeInvalidEvent},
		"a name in another case":       {strings.Replace(alarmOnBus, `"detail":`, `"Detail":{"alarmName":"other","state":{"value":"OK"}},"DETAIL":`, 1), loop.CodeInvalidEvent},
		"an event too old for the bus": {strings.Replace(instanceOnBus, "2026-03-04T11:59", "2026-03-04T01:59", 1), loop.CodeTimeOutOfRange},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := &fakeQueue{}
			if failed := inboxOf(t, q).Handle(t.Context(), []loop.Message{{ID: "m", Body: []byte(tt.body), SentAt: noon}}); len(failed) > 0 {
				t.Fatal(failed)
			}
			records := q.records(t)
			if len(records) != 1 || records[0].Quarantine.Reason != tt.code || len(q.items(t, ohio, loop.QueueSignals)) > 0 {
				t.Errorf("%+v", records)
			}
		})
	}
}

func alarmsOf(t testing.TB, q *fakeQueue) *Alarms {
	t.Helper()
	a, _ := setup(q)
	a.cfg.Inputs["alarms"] = loop.Input{Kind: loop.KindAlarm, Durability: loop.Mirrored, Policy: loop.PolicyAll}
	s, err := NewAlarms(a, "alarms")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewAlarms(a, "inbox"); err == nil {
		t.Error("an inbox became an alarm")
	}
	return s
}

func recordsOf(messages ...string) string {
	var all []string
	for _, m := range messages {
		b, _ := json.Marshal(map[string]any{"EventSource": "aws:sns", "Sns": map[string]string{"Type": "Notification", "Message": m}})
		all = append(all, string(b))
	}
	return `{"Records":[` + strings.Join(all, ",") + `]}`
}

// By whichever way an alarm comes, and however often, it is one signal.
func TestAnAlarmIsOneSignalByEveryWay(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{}
	s := alarmsOf(t, q)
	for _, e := range []string{alarmOnBus, alarmOnBus, recordsOf(alarmOnTopic)} {
		if err := s.Handle(t.Context(), []byte(e)); err != nil {
			t.Fatal(err)
		}
	}
	items := q.items(t, oregon, loop.QueueSignals)
	if len(items) != 3 {
		t.Fatalf("%d signals", len(items))
	}
	for _, item := range items {
		if string(item.Signal) != alarmStored || item.Input != "alarms" {
			t.Errorf("got  %s\nwant %s", item.Signal, alarmStored)
		}
	}
}

func TestWhatIsNoAlarmIsQuarantined(t *testing.T) {
	t.Parallel()
	for _, e := range []string{event("1"), instanceOnBus, `{}`, `[]`, ``, recordsOf(event("1")), recordsOf(""), `{"Records":[]}`, "\xff"} {
		q := &fakeQueue{}
		if err := alarmsOf(t, q).Handle(t.Context(), []byte(e)); err != nil {
			t.Fatal(err)
		}
		records := q.records(t)
		if e == "[]" { // an empty batch asks for nothing
			continue
		}
		if len(records) != 1 || records[0].Quarantine.Stage != loop.FuncIngestAlarm || len(q.items(t, ohio, loop.QueueSignals)) > 0 {
			t.Errorf("%q: %+v", e, records)
		}
	}
}

// A record that is no notification is kept as it came, not as the message that it does not have.
func TestARecordThatIsNoNotificationIsKeptWhole(t *testing.T) {
	t.Parallel()
	for _, record := range []string{`{"messageId":"1","body":"planted"}`, `{"Sns":{"Subject":"planted"}}`, `{"sns":{"message":"planted"}}`, `"planted"`} {
		q := &fakeQueue{}
		if err := alarmsOf(t, q).Handle(t.Context(), []byte(`{"Records":[`+record+`]}`)); err != nil {
			t.Fatal(err)
		}
		if records := q.records(t); len(records) != 1 || records[0].Body != record {
			t.Errorf("%s: %+v", record, records)
		}
	}
}

// What cannot be stored comes again; a redrive of what was refused goes through the inbox.
func TestAnAlarmIsNotLost(t *testing.T) {
	t.Parallel()
	q := &fakeQueue{fail: down(oregon)}
	if err := alarmsOf(t, q).Handle(t.Context(), []byte(alarmOnBus)); err == nil {
		t.Error("one copy is not enough, and Lambda was told that it is done")
	}
	record, err := encodeQuarantined([]byte(alarmOnBus), loop.Quarantine{Reason: loop.CodeForbidden, Stage: loop.FuncIngestAlarm, At: noon})
	if err != nil {
		t.Fatal(err)
	}
	again := &fakeQueue{}
	if failed := inboxOf(t, again).Handle(t.Context(), []loop.Message{{ID: "m", Body: record, SentAt: noon}}); len(failed) > 0 || len(again.items(t, ohio, loop.QueueSignals)) != 1 {
		t.Error("the redrive is lost")
	}
}

func FuzzUnwrap(f *testing.F) {
	for _, s := range []string{alarmOnBus, alarmOnTopic, instanceOnBus, onTopic(event("1")), onTopic(onBus(event("1"))), onTopic(batchOf(event("1"))), recordsOf(alarmOnTopic)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, p := range split([]byte(body)) {
			if p.err == nil {
				raw, err := p.signal.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := ParseEvent(raw); err != nil {
					t.Fatalf("taken, and no event: %v", err)
				}
			} else if loop.CodeOf(p.err) == "" {
				t.Fatalf("an error that is no refusal: %v", p.err)
			}
		}
	})
}

// Whatever the function is called with: while the queues are well it is stored or kept, and nothing asks for it again.
func FuzzAlarms(f *testing.F) {
	for _, s := range []string{alarmOnBus, recordsOf(alarmOnTopic), recordsOf(alarmOnTopic, event("1")), `{"Records":[7,null,{"Sns":null}]}`, "[]", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, event string) {
		q := &fakeQueue{}
		if err := alarmsOf(t, q).Handle(t.Context(), []byte(event)); err != nil {
			t.Fatal(err)
		}
		stored, kept := q.items(t, ohio, loop.QueueSignals), q.records(t)
		if empty, err := parseBatch([]byte(event)); len(stored)+len(kept) == 0 && (err != nil || len(empty) > 0) {
			t.Fatalf("%q is nowhere", event)
		}
		for _, item := range stored {
			if s, err := ParseEvent(item.Signal); err != nil || s.Type != TypeAlarm {
				t.Fatalf("stored %s: %v", item.Signal, err)
			}
		}
	})
}
