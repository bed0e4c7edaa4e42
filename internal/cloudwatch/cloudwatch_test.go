package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

type fake struct {
	get func(*cloudwatch.GetMetricDataInput) (*cloudwatch.GetMetricDataOutput, error)
	put func(*cloudwatch.PutMetricDataInput) error
}

func (f fake) GetMetricData(_ context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	return f.get(in)
}

func (f fake) PutMetricData(_ context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	return &cloudwatch.PutMetricDataOutput{}, f.put(in)
}

var (
	errDown = errors.New("down")
	from    = time.Date(2026, 3, 29, 2, 0, 0, 0, time.UTC)
	to      = from.Add(5 * time.Minute)
)

func result(id string, status types.StatusCode, values ...float64) types.MetricDataResult {
	r := types.MetricDataResult{Id: aws.String(id), StatusCode: status, Values: values}
	for i := range values {
		r.Timestamps = append(r.Timestamps, to.Add(-time.Duration(i+1)*time.Minute))
	}
	return r
}

func twoQueries() []Query {
	return []Query{
		{Namespace: "AWS/SQS", Metric: "ApproximateAgeOfOldestMessage", Dimensions: map[string]string{"QueueName": "p-signals", "A": "b"}, Stat: "Maximum", Period: time.Minute},
		{Namespace: "unbroken", Metric: "canary", Stat: "Sum", Period: time.Minute},
	}
}

func TestNoDataIsNotZero(t *testing.T) {
	t.Parallel()
	m := New(fake{get: func(in *cloudwatch.GetMetricDataInput) (*cloudwatch.GetMetricDataOutput, error) {
		q := in.MetricDataQueries[0]
		dims := q.MetricStat.Metric.Dimensions
		if len(in.MetricDataQueries) != 2 || *q.MetricStat.Period != 60 || *q.MetricStat.Stat != "Maximum" || in.ScanBy != types.ScanByTimestampDescending ||
			!in.StartTime.Equal(from) || !in.EndTime.Equal(to) || len(dims) != 2 || *dims[0].Name != "A" || *dims[1].Value != "p-signals" {
			t.Errorf("asked for %+v", in)
		}
		return &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{
			result("q1", types.StatusCodeComplete), result("q0", types.StatusCodeComplete, 7, 0),
		}}, nil
	}})
	series, err := m.Read(t.Context(), from, to, twoQueries())
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := series[0].Latest(); v != 7 || !ok || !reflect.DeepEqual(series[0], Series{{to.Add(-time.Minute), 7}, {to.Add(-2 * time.Minute), 0}}) {
		t.Errorf("got %v", series[0])
	}
	if v, ok := series[1].Latest(); ok {
		t.Errorf("no data was read as %v", v)
	}
}

func TestPagesAreJoined(t *testing.T) {
	t.Parallel()
	m := New(fake{get: func(in *cloudwatch.GetMetricDataInput) (*cloudwatch.GetMetricDataOutput, error) {
		if in.NextToken == nil {
			return &cloudwatch.GetMetricDataOutput{NextToken: aws.String("more"), MetricDataResults: []types.MetricDataResult{
				result("q0", types.StatusCodePartialData, 1), result("q1", types.StatusCodeComplete, 5),
			}}, nil
		}
		return &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{result("q0", types.StatusCodeComplete, 2)}}, nil
	}})
	series, err := m.Read(t.Context(), from, to, twoQueries())
	if err != nil || len(series[0]) != 2 || series[0][1].Value != 2 || len(series[1]) != 1 {
		t.Errorf("got %v, %v", series, err)
	}
}

func TestHalfAnAnswerIsAnError(t *testing.T) {
	t.Parallel()
	whole := result("q0", types.StatusCodeComplete, 1)
	uneven := result("q1", types.StatusCodeComplete, 1)
	uneven.Timestamps = nil
	for name, second := range map[string]types.MetricDataResult{
		"partial":  result("q1", types.StatusCodePartialData, 1),
		"internal": result("q1", types.StatusCodeInternalError), "forbidden": result("q1", types.StatusCodeForbidden),
		"uneven": uneven, "missing": whole, "foreign": result("q2", types.StatusCodeComplete), "unnamed": {}, "negative": result("q-1", types.StatusCodeComplete),
	} {
		m := New(fake{get: func(*cloudwatch.GetMetricDataInput) (*cloudwatch.GetMetricDataOutput, error) {
			return &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{whole, second}}, nil
		}})
		if series, err := m.Read(t.Context(), from, to, twoQueries()); err == nil {
			t.Errorf("%s: read as %v", name, series)
		}
	}
	m := New(fake{get: func(*cloudwatch.GetMetricDataInput) (*cloudwatch.GetMetricDataOutput, error) { return nil, errDown }})
	if _, err := m.Read(t.Context(), from, to, twoQueries()); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
}

func TestManyQueriesTakeSeveralCalls(t *testing.T) {
	t.Parallel()
	calls := 0
	m := New(fake{get: func(in *cloudwatch.GetMetricDataInput) (*cloudwatch.GetMetricDataOutput, error) {
		calls++
		out := &cloudwatch.GetMetricDataOutput{}
		for _, q := range in.MetricDataQueries {
			var n float64
			if _, err := fmt.Sscan(*q.MetricStat.Metric.MetricName, &n); err != nil {
				t.Error(err)
			}
			out.MetricDataResults = append(out.MetricDataResults, result(*q.Id, types.StatusCodeComplete, n))
		}
		return out, nil
	}})
	queries := make([]Query, maxQueries+1)
	for i := range queries {
		queries[i] = Query{Namespace: "n", Metric: fmt.Sprint(i), Stat: "Sum", Period: time.Minute}
	}
	series, err := m.Read(t.Context(), from, to, queries)
	if err != nil || calls != 2 {
		t.Fatalf("%d calls, %v", calls, err)
	}
	for i, s := range series {
		if v, _ := s.Latest(); v != float64(i) {
			t.Fatalf("query %d is answered by %v", i, v)
		}
	}
	if series, err := m.Read(t.Context(), from, to, nil); err != nil || len(series) != 0 || calls != 2 {
		t.Errorf("no queries: %v, %v", series, err)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	var sizes []int
	m := New(fake{put: func(in *cloudwatch.PutMetricDataInput) error {
		sizes = append(sizes, len(in.MetricData))
		d := in.MetricData[0]
		if *in.Namespace != "unbroken" || *d.MetricName != "verdict" || *d.Value != 1 || !d.Timestamp.Equal(from) || *d.Dimensions[0].Name != "Region" || d.Unit != types.StandardUnitCount {
			t.Errorf("wrote %+v", d)
		}
		return nil
	}})
	data := make([]Datum, maxData+1)
	for i := range data {
		data[i] = Datum{Metric: "verdict", Dimensions: map[string]string{"Region": "r"}, Value: 1, Unit: "Count", At: from}
	}
	if err := m.Write(t.Context(), "unbroken", data); err != nil || fmt.Sprint(sizes) != "[1000 1]" {
		t.Errorf("%v after calls of %v", err, sizes)
	}
	m = New(fake{put: func(*cloudwatch.PutMetricDataInput) error { return errDown }})
	if err := m.Write(t.Context(), "unbroken", data[:1]); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
}

func TestWrittenMetricsAreRead(t *testing.T) {
	t.Parallel()
	if os.Getenv("AWS_ENDPOINT_URL") == "" {
		t.Skip("AWS_ENDPOINT_URL is not set: start the emulator and set it to run this against CloudWatch's API")
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m := New(cloudwatch.NewFromConfig(cfg))
	at := time.Now().UTC().Truncate(time.Minute).Add(-2 * time.Minute)
	namespace := fmt.Sprintf("unbroken-test-%d", time.Now().UnixNano())
	err = m.Write(t.Context(), namespace, []Datum{
		{Metric: "verdict", Dimensions: map[string]string{"Region": "a"}, Value: 1, At: at}, {Metric: "verdict", Dimensions: map[string]string{"Region": "a"}, Value: 2, At: at},
	})
	if err != nil {
		t.Fatal(err)
	}
	q := Query{Namespace: namespace, Metric: "verdict", Dimensions: map[string]string{"Region": "a"}, Stat: "Maximum", Period: time.Minute}
	absent := q
	absent.Metric = "absent"
	series, err := m.Read(t.Context(), at.Add(-time.Minute), at.Add(2*time.Minute), []Query{q, absent})
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := series[0].Latest(); v != 2 || !ok {
		t.Errorf("got %v", series[0])
	}
	if _, ok := series[1].Latest(); ok {
		t.Errorf("an absent metric has %v", series[1])
	}
}
