package target

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"example.com/unbroken/internal/act"
	"example.com/unbroken/internal/loop"
)

// AlarmAPI is the part of CloudWatch that is used here; *cloudwatch.Client implements it.
type AlarmAPI interface {
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
	SetAlarmState(context.Context, *cloudwatch.SetAlarmStateInput, ...func(*cloudwatch.Options)) (*cloudwatch.SetAlarmStateOutput, error)
}

// Alarm sets an alarm's state. CloudWatch cannot compare and set, so this is class `set`: the fence stands in the
// reason's data, which is read before. An alarm that evaluates a metric overwrites state and reason with its next
// evaluation; one that is to keep what it was told treats missing data as `ignore` and has none.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html
func Alarm(clients Clients[AlarmAPI]) act.Target {
	return deliver(func(ctx context.Context, e loop.Effect, r loop.Request) act.Answer {
		name, ok := strings.CutPrefix(r.URL, "alarm://")
		if !ok {
			return refused("the resource is not of the form alarm://name")
		}
		api := clients(r.Headers["region"])
		reading, call := watch(ctx)
		out, err := api.DescribeAlarms(reading, &cloudwatch.DescribeAlarmsInput{
			AlarmNames: []string{name}, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
		})
		if err != nil {
			return call.before(err)
		}
		var holds string
		switch {
		case len(out.MetricAlarms) == 1:
			holds = reasonFence(out.MetricAlarms[0].StateReasonData)
		case len(out.CompositeAlarms) == 1:
			holds = reasonFence(out.CompositeAlarms[0].StateReasonData)
		default:
			return refused("there is no such alarm: create it, or correct its name")
		}
		if a, more := standing(holds, e); !more {
			return a
		}
		data, err := json.Marshal(map[string]string{loop.AttributeFence: string(e.Fence), loop.AttributeEffect: e.ID})
		if err != nil {
			return refused("the fence cannot be written as JSON")
		}
		ctx, call = watch(ctx)
		_, err = api.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
			AlarmName: &name, StateValue: types.StateValue(r.Headers["state"]),
			StateReason: &r.Body, StateReasonData: aws.String(string(data)),
		})
		if err != nil {
			return call.answer(err)
		}
		return delivered("state %s", r.Headers["state"])
	})
}

// reasonFence reads the fence that Alarm left, "" where CloudWatch wrote the reason itself.
func reasonFence(data *string) string {
	var reason map[string]any
	if json.Unmarshal([]byte(aws.ToString(data)), &reason) != nil {
		return ""
	}
	fence, _ := reason[loop.AttributeFence].(string)
	return fence
}
