package cloudwatch

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Query asks for one statistic of one metric.
type Query struct {
	Namespace  string
	Metric     string
	Dimensions map[string]string
	Stat       string        // Sum, Average, Maximum, p99, …
	Period     time.Duration // whole minutes
}

// Point is one value of a metric.
type Point struct {
	At    time.Time // start of its period
	Value float64
}

// Series is what a query found, newest first. Empty means no data.
type Series []Point

// Latest returns the newest value; ok is false where there is no data.
func (s Series) Latest() (value float64, ok bool) {
	if len(s) == 0 {
		return 0, false
	}
	return s[0].Value, true
}

// maxQueries is how many queries one call takes.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
const maxQueries = 500

// Read answers all queries over [from, to) in one call, or as many as their number and the size of the answer
// take. The result has one series per query. A query that CloudWatch answers in part, or with an error of its own,
// fails the whole read: half of the truth would look like health.
func (m *Metrics) Read(ctx context.Context, from, to time.Time, queries []Query) ([]Series, error) {
	series := make([]Series, len(queries))
	for first := 0; first < len(queries); first += maxQueries {
		part := queries[first:min(first+maxQueries, len(queries))]
		if err := m.readPart(ctx, from, to, part, series[first:]); err != nil {
			return nil, fmt.Errorf("read %d metrics: %w", len(queries), err)
		}
	}
	return series, nil
}

func (m *Metrics) readPart(ctx context.Context, from, to time.Time, queries []Query, series []Series) error {
	in := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(from), EndTime: aws.Time(to), ScanBy: types.ScanByTimestampDescending,
		MetricDataQueries: make([]types.MetricDataQuery, len(queries)),
	}
	for i, q := range queries {
		in.MetricDataQueries[i] = types.MetricDataQuery{
			Id: aws.String("q" + strconv.Itoa(i)), // must begin with a lower-case letter
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: aws.String(q.Namespace), MetricName: aws.String(q.Metric), Dimensions: dimensions(q.Dimensions)},
				Period: aws.Int32(int32(q.Period / time.Second)), //nolint:gosec // a period is minutes to hours
				Stat:   aws.String(q.Stat),
			},
		}
	}
	status := make([]types.StatusCode, len(queries)) // of the latest page; partial data is followed by more
	pages := cloudwatch.NewGetMetricDataPaginator(m.api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range page.MetricDataResults {
			id := aws.ToString(r.Id)
			i, err := strconv.Atoi(id[min(1, len(id)):])
			if err != nil || i < 0 || i >= len(queries) {
				return fmt.Errorf("an answer to %q, which was not asked", id)
			}
			if len(r.Values) != len(r.Timestamps) {
				return fmt.Errorf("%s/%s: %d values for %d times", queries[i].Namespace, queries[i].Metric, len(r.Values), len(r.Timestamps))
			}
			status[i] = r.StatusCode
			for n, v := range r.Values {
				series[i] = append(series[i], Point{At: r.Timestamps[n].UTC(), Value: v})
			}
		}
	}
	for i, s := range status {
		if s != types.StatusCodeComplete {
			return fmt.Errorf("%s/%s: the answer is %q instead of complete", queries[i].Namespace, queries[i].Metric, s)
		}
	}
	return nil
}
