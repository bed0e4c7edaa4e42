// Package alarm evaluates CloudWatch alarms by the clock, which the emulator does not: it looks at an alarm when data
// is put, takes the data of all dimensions for one, and knows neither M of N nor missing data (its own evaluation is
// switched off by localstack/sitecustomize). A state that changes is set with SetAlarmState: the emulator then fires
// the alarm's actions and evaluates the composite alarms above it.
//
// It must not know unbroken. It leaves out: metric math and anomaly bands, which the emulator cannot compute;
// percentiles of few samples, which are evaluated as they are; periods of more than a minute, which are aligned to
// themselves and not to the minute.
package alarm

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Every is how often AWS evaluates an alarm with a period of a minute or more.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
const Every = time.Minute

// API is the part of CloudWatch that is used; *cloudwatch.Client implements it.
type API interface {
	DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
	GetMetricData(context.Context, *cloudwatch.GetMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error)
	SetAlarmState(context.Context, *cloudwatch.SetAlarmStateInput, ...func(*cloudwatch.Options)) (*cloudwatch.SetAlarmStateOutput, error)
}

var _ API = (*cloudwatch.Client)(nil)

// maxQueries is what one GetMetricData takes.
const maxQueries = 500

// EvaluateAll judges every alarm of a region as of now and sets the states that changed.
func EvaluateAll(ctx context.Context, api API, now time.Time) error {
	var due []types.MetricAlarm
	pages := cloudwatch.NewDescribeAlarmsPaginator(api, &cloudwatch.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("alarms: %w", err)
		}
		for _, a := range page.MetricAlarms {
			if a.MetricName != nil && breaches(a) != nil {
				due = append(due, a)
			}
		}
	}
	for len(due) > 0 {
		some := due[:min(len(due), maxQueries)]
		if err := evaluate(ctx, api, some, now); err != nil {
			return err
		}
		due = due[len(some):]
	}
	return nil
}

func evaluate(ctx context.Context, api API, alarms []types.MetricAlarm, now time.Time) error {
	data, err := values(ctx, api, alarms, now)
	if err != nil {
		return fmt.Errorf("alarms: %w", err)
	}
	for i, a := range alarms {
		r := rule(a)
		points := data[i].points(end(a, now), period(a), r.Range())
		was := State(a.StateValue)
		is := Evaluate(r, points, was)
		if is == was {
			continue
		}
		if _, err := api.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
			AlarmName: a.AlarmName, StateValue: types.StateValue(is), StateReason: aws.String(reason(a, points)),
		}); err != nil {
			return fmt.Errorf("alarm %s: %w", aws.ToString(a.AlarmName), err)
		}
	}
	return nil
}

// byPeriod are the values of a metric by the start of their period.
type byPeriod map[int64]float64

func (b byPeriod) points(end time.Time, period time.Duration, n int) []*float64 {
	points := make([]*float64, n)
	for i := range points {
		if v, ok := b[end.Add(-time.Duration(n-i)*period).Unix()]; ok {
			points[i] = &v
		}
	}
	return points
}

// values asks for the data of all alarms in one call.
func values(ctx context.Context, api API, alarms []types.MetricAlarm, now time.Time) ([]byPeriod, error) {
	start := now
	in := &cloudwatch.GetMetricDataInput{EndTime: aws.Time(now)}
	for i, a := range alarms {
		if from := end(a, now).Add(-time.Duration(rule(a).Range()) * period(a)); from.Before(start) {
			start = from
		}
		stat := string(a.Statistic)
		if a.ExtendedStatistic != nil {
			stat = *a.ExtendedStatistic
		}
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id: aws.String("a" + strconv.Itoa(i)),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions},
				Period: a.Period, Stat: aws.String(stat),
			},
		})
	}
	in.StartTime = aws.Time(start)
	data := make([]byPeriod, len(alarms))
	pages := cloudwatch.NewGetMetricDataPaginator(api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.MetricDataResults {
			i, err := strconv.Atoi(aws.ToString(r.Id)[1:])
			if err != nil {
				return nil, fmt.Errorf("an answer to no question: %w", err)
			}
			if data[i] == nil {
				data[i] = byPeriod{}
			}
			for j, at := range r.Timestamps {
				data[i][at.Unix()] = r.Values[j]
			}
		}
	}
	return data, nil
}

func period(a types.MetricAlarm) time.Duration {
	return time.Duration(aws.ToInt32(a.Period)) * time.Second
}

// end is where the newest whole period ends.
func end(a types.MetricAlarm, now time.Time) time.Time { return now.Truncate(period(a)) }

func rule(a types.MetricAlarm) Rule {
	r := Rule{N: int(aws.ToInt32(a.EvaluationPeriods)), M: int(aws.ToInt32(a.DatapointsToAlarm)), Missing: TreatMissing, Breaches: breaches(a)}
	if r.M == 0 {
		r.M = r.N
	}
	if a.TreatMissingData != nil {
		r.Missing = Missing(*a.TreatMissingData)
	}
	return r
}

// breaches is nil for what needs an anomaly band.
func breaches(a types.MetricAlarm) func(float64) bool {
	threshold := aws.ToFloat64(a.Threshold)
	switch a.ComparisonOperator {
	case types.ComparisonOperatorGreaterThanThreshold:
		return func(v float64) bool { return v > threshold }
	case types.ComparisonOperatorGreaterThanOrEqualToThreshold:
		return func(v float64) bool { return v >= threshold }
	case types.ComparisonOperatorLessThanThreshold:
		return func(v float64) bool { return v < threshold }
	case types.ComparisonOperatorLessThanOrEqualToThreshold:
		return func(v float64) bool { return v <= threshold }
	default:
		return nil
	}
}

func reason(a types.MetricAlarm, points []*float64) string {
	text := "data points, the oldest first:"
	for _, p := range points {
		if p == nil {
			text += " -"
		} else {
			text += " " + strconv.FormatFloat(*p, 'g', 6, 64)
		}
	}
	return fmt.Sprintf("%s; threshold %s %g", text, a.ComparisonOperator, aws.ToFloat64(a.Threshold))
}
