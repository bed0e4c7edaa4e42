package cloudwatch

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Datum is one value to write.
type Datum struct {
	Metric     string
	Dimensions map[string]string
	Value      float64
	Unit       string // as CloudWatch spells it; "" for none
	At         time.Time
}

// maxData is how many values one call takes.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
const maxData = 1000

// Write stores values of one namespace. CloudWatch adds up what it is sent twice, and the SDK sends again when a
// connection breaks: alarm on the maximum of a gauge, not on the sum of what is written here.
func (m *Metrics) Write(ctx context.Context, namespace string, data []Datum) error {
	for first := 0; first < len(data); first += maxData {
		part := data[first:min(first+maxData, len(data))]
		in := &cloudwatch.PutMetricDataInput{Namespace: aws.String(namespace), MetricData: make([]types.MetricDatum, len(part))}
		for i, d := range part {
			in.MetricData[i] = types.MetricDatum{
				MetricName: aws.String(d.Metric), Dimensions: dimensions(d.Dimensions),
				Value: aws.Float64(d.Value), Timestamp: aws.Time(d.At), Unit: types.StandardUnit(d.Unit),
			}
		}
		if _, err := m.api.PutMetricData(ctx, in); err != nil {
			return fmt.Errorf("write %d metrics to %s: %w", len(data), namespace, err)
		}
	}
	return nil
}
