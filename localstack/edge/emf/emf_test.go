package emf

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// shelf is a CloudWatch Logs of some groups.
type shelf map[string][]types.FilteredLogEvent

func (s shelf) log(group, stream string, at int64, message string) {
	s[group] = append(s[group], types.FilteredLogEvent{LogStreamName: aws.String(stream), Timestamp: aws.Int64(at), Message: aws.String(message)})
}

func (s shelf) DescribeLogGroups(_ context.Context, in *cloudwatchlogs.DescribeLogGroupsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
	out := &cloudwatchlogs.DescribeLogGroupsOutput{}
	for name := range s {
		if strings.HasPrefix(name, *in.LogGroupNamePrefix) {
			out.LogGroups = append(out.LogGroups, types.LogGroup{LogGroupName: aws.String(name)})
		}
	}
	return out, nil
}

func (s shelf) FilterLogEvents(_ context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	out := &cloudwatchlogs.FilterLogEventsOutput{}
	for _, e := range s[*in.LogGroupName] {
		if *e.Timestamp >= *in.StartTime {
			out.Events = append(out.Events, e)
		}
	}
	return out, nil
}

// sums adds up what is put, and fails while down.
type sums struct {
	by   map[string]float64
	down bool
}

func (s *sums) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	if s.down {
		return nil, errors.New("down")
	}
	for _, d := range in.MetricData {
		for _, v := range d.Values {
			s.by[*in.Namespace+"/"+*d.MetricName] += v
		}
	}
	return &cloudwatch.PutMetricDataOutput{}, nil
}

func count(n int) string {
	return fmt.Sprintf(`{"N":%d,"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"T","Dimensions":[[]],"Metrics":[{"Name":"N"}]}]}}`, n)
}

func TestEachLineIsPutOnce(t *testing.T) {
	t.Parallel()
	logs, metrics := shelf{}, &sums{by: map[string]float64{}}
	e := New(logs, metrics)
	check := func(want float64) {
		t.Helper()
		if err := e.Extract(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := metrics.by["T/N"]; got != want {
			t.Errorf("sum %v, want %v", got, want)
		}
	}
	logs.log("/aws/lambda/act", "1", 100_000, count(1))
	logs.log("/aws/lambda/act", "1", 100_000, "END")
	logs.log("/aws/lambda/decide", "1", 100_000, count(10))
	logs.log("/aws/other/act", "1", 100_000, count(1000))
	check(11)
	check(11)
	logs.log("/aws/lambda/act", "2", 95_000, count(1)) // late, and the same line in another invocation
	logs.log("/aws/lambda/act", "3", 130_000, count(2))
	check(14)
	check(14)
	if n := len(e.read["/aws/lambda/act"].seen); n != 1 {
		t.Errorf("%d events remembered, want the newest alone", n)
	}
}

func TestWhatCouldNotBePutIsPutLater(t *testing.T) {
	t.Parallel()
	logs, metrics := shelf{}, &sums{by: map[string]float64{}, down: true}
	e := New(logs, metrics)
	logs.log("/aws/lambda/act", "1", 100_000, `{"N":"x","_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"T","Dimensions":[[]],"Metrics":[{"Name":"N"}]}]}}`)
	logs.log("/aws/lambda/act", "1", 100_000, count(1))
	if err := e.Extract(t.Context()); err == nil {
		t.Error("no error")
	}
	metrics.down = false
	if err := e.Extract(t.Context()); err != nil {
		t.Errorf("the line that breaks the format is reported again: %v", err)
	}
	if got := metrics.by["T/N"]; got != 1 {
		t.Errorf("sum %v", got)
	}
}
