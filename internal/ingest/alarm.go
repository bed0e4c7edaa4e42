package ingest

import (
	"encoding/json"
	"strings"
	"time"

	"example.com/unbroken/internal/loop"
)

// A CloudWatch alarm says that its state changed in two ways, as an event on EventBridge and as a notification to a
// topic. Both become the same signal: it is named by the alarm, its state and when that came about, not by the way.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
const (
	alarmSource = "aws.cloudwatch"
	alarmDetail = "CloudWatch Alarm State Change"

	// TypeAlarm is the type of the signal.
	TypeAlarm = "com.amazonaws.cloudwatch.alarm"
)

// alarmChange is the data of the signal.
type alarmChange struct {
	Alarm       string `json:"alarm"`
	ARN         string `json:"arn"`
	State       string `json:"state"`
	Previous    string `json:"previous,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Description string `json:"description,omitempty"`

	at string
}

// alarmEvent makes a signal of the detail of an EventBridge event.
func alarmEvent(raw []byte, detail json.RawMessage, resources []string) parsed {
	var c alarmChange
	err := take(detail, field{"alarmName", &c.Alarm}, field{"previousState", fields{{"value", &c.Previous}}},
		field{"state", fields{{"value", &c.State}, {"reason", &c.Reason}, {"timestamp", &c.at}}},
		field{"configuration", fields{{"description", &c.Description}}})
	if err != nil {
		return parsed{raw: raw, err: err}
	}
	if len(resources) > 0 {
		c.ARN = resources[0]
	}
	return c.parsed(raw)
}

// alarmNotification makes a signal of what an alarm sends to a topic; false where body is something else.
func alarmNotification(body []byte) ([]parsed, bool) {
	var c alarmChange
	err := take(body, field{"AlarmName", &c.Alarm}, field{"AlarmArn", &c.ARN}, field{"NewStateValue", &c.State}, field{"OldStateValue", &c.Previous},
		field{"NewStateReason", &c.Reason}, field{"AlarmDescription", &c.Description}, field{"StateChangeTime", &c.at})
	if err != nil || c.Alarm == "" || c.State == "" {
		return nil, false
	}
	return []parsed{c.parsed(body)}, true
}

func (c alarmChange) parsed(raw []byte) parsed {
	// The offset is written without a colon: 2019-10-02T17:04:40.985+0000.
	at, err := time.Parse("2006-01-02T15:04:05.999999999Z0700", c.at)
	arn := strings.SplitN(c.ARN, ":", 7) // arn:aws:cloudwatch:region:account:alarm:name
	if err != nil || len(arn) < 7 || c.State == "" || c.Alarm == "" {
		return parsed{raw: raw, err: loop.Refuse(loop.CodeInvalidEvent, "a change of an alarm needs its name, ARN, state and time")}
	}
	when := at.UTC().Format(time.RFC3339Nano)
	data, err := loop.Marshal(c)
	if err == nil {
		data, err = canonical(data, 1)
	}
	if err != nil {
		return parsed{raw: raw, err: err}
	}
	p := notice{
		id: c.ARN + "/" + c.State + "/" + when, source: alarmSource + "/" + arn[4] + "/" + arn[3],
		typ: TypeAlarm, subject: c.Alarm, time: when, data: data,
	}.parsed()
	p.raw = raw
	return p
}
