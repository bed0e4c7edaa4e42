package alarm

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

var noon = time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)

// watch is a CloudWatch of one metric with one dimension.
type watch struct {
	alarms []types.MetricAlarm
	values map[string]map[time.Time]float64 // by the dimension's value
	set    []string
	asked  int
}

func (w *watch) DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	return &cloudwatch.DescribeAlarmsOutput{MetricAlarms: w.alarms}, nil
}

func (w *watch) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	w.asked++
	out := &cloudwatch.GetMetricDataOutput{}
	for _, q := range in.MetricDataQueries {
		r := types.MetricDataResult{Id: q.Id}
		for at, v := range w.values[aws.ToString(q.MetricStat.Metric.Dimensions[0].Value)] {
			if !at.Before(*in.StartTime) && at.Before(*in.EndTime) {
				r.Timestamps, r.Values = append(r.Timestamps, at), append(r.Values, v)
			}
		}
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	return out, nil
}

func (w *watch) SetAlarmState(_ context.Context, in *cloudwatch.SetAlarmStateInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.SetAlarmStateOutput, error) {
	w.set = append(w.set, aws.ToString(in.AlarmName)+" "+string(in.StateValue))
	for i := range w.alarms {
		if *w.alarms[i].AlarmName == *in.AlarmName {
			w.alarms[i].StateValue = in.StateValue
		}
	}
	return &cloudwatch.SetAlarmStateOutput{}, nil
}

func alarmOf(queue string) types.MetricAlarm {
	return types.MetricAlarm{
		AlarmName: aws.String(queue + "-deep"), StateValue: types.StateValueInsufficientData,
		Namespace: aws.String("AWS/SQS"), MetricName: aws.String("Depth"), Statistic: types.StatisticMaximum,
		Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String(queue)}},
		Period:     aws.Int32(60), EvaluationPeriods: aws.Int32(2), Threshold: aws.Float64(10),
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, TreatMissingData: aws.String("notBreaching"),
	}
}

func TestAStateIsSetWhenItChangesAndOnlyThen(t *testing.T) {
	t.Parallel()
	minute := func(n int) time.Time { return noon.Truncate(time.Minute).Add(time.Duration(n) * time.Minute) }
	w := &watch{
		alarms: []types.MetricAlarm{alarmOf("a"), alarmOf("b")},
		values: map[string]map[time.Time]float64{
			"a": {minute(-2): 11, minute(-1): 12, minute(0): 13, minute(1): 3, minute(2): 4},
			"b": {minute(-2): 1, minute(-1): 12, minute(0): 13, minute(1): 14, minute(2): 15},
		},
	}
	for n, want := range []string{
		"a-deep ALARM, b-deep OK", // two of a's dimension breach, one of b's
		"b-deep ALARM",
		"a-deep OK",
		"",
	} {
		w.set = nil
		if err := EvaluateAll(t.Context(), w, noon.Add(time.Duration(n)*time.Minute)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(w.set, ", "); got != want {
			t.Errorf("minute %d: set %q, want %q", n, got, want)
		}
	}
	if w.asked != 4 {
		t.Errorf("%d calls for the data of two alarms in four rounds", w.asked)
	}
}

// The minute that is not over says nothing yet.
func TestOnlyWholePeriodsCount(t *testing.T) {
	t.Parallel()
	a := alarmOf("a")
	a.EvaluationPeriods = aws.Int32(1)
	w := &watch{alarms: []types.MetricAlarm{a}, values: map[string]map[time.Time]float64{"a": {noon.Truncate(time.Minute): 99}}}
	if err := EvaluateAll(t.Context(), w, noon); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(w.set, ", "); got != "a-deep OK" {
		t.Errorf("set %q", got)
	}
}

func TestWhatCannotBeComputedIsLeftAlone(t *testing.T) {
	t.Parallel()
	math, band := alarmOf("math"), alarmOf("band")
	math.MetricName = nil
	band.ComparisonOperator = types.ComparisonOperatorGreaterThanUpperThreshold
	w := &watch{alarms: []types.MetricAlarm{math, band}}
	if err := EvaluateAll(t.Context(), w, noon); err != nil || len(w.set) > 0 || w.asked > 0 {
		t.Errorf("%v, set %v, asked %d", err, w.set, w.asked)
	}
}
